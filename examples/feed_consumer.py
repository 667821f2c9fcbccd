"""按游标读取结果事件 Reads the feed from where it stopped, and catches up by itself, however long it was away.

API=https://….execute-api.cn-north-1.amazonaws.com.cn/v1 PARTY=data-centre python feed_consumer.py [--once]
"""

import json
import os
import sys
import time
from pathlib import Path

import boto3
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

API, PARTY = os.environ["API"], os.environ["PARTY"]
CURSOR = Path(os.environ.get("CURSOR_FILE", "cursor.txt"))


def ask(path, **query):
    session = boto3.Session()
    request = AWSRequest("GET", API + path, params=query, headers={"party": PARTY})
    SigV4Auth(session.get_credentials(), "execute-api", session.region_name).add_auth(request)
    signed = request.prepare()
    answer = urllib3.request("GET", signed.url, headers=dict(signed.headers), retries=urllib3.Retry(5, backoff_factor=1))
    if answer.status != 200:
        sys.exit(f"{answer.status} {answer.data.decode()}")
    return answer.json()


def handle(event):
    """Yours. After a crash the events since the last saved cursor come again: know them by event["id"]."""
    print(json.dumps(event, ensure_ascii=False))


def catch_up():
    more = True
    while more:
        page = ask("/feed", limit=500, **({"cursor": CURSOR.read_text()} if CURSOR.exists() else {}))
        for event in page["events"]:
            handle(event)
        fresh = CURSOR.with_suffix(".new")
        fresh.write_text(page["cursor"])
        fresh.replace(CURSOR)  # only after the events were handled, and at one stroke
        more = page["more"]


if __name__ == "__main__":
    catch_up()
    while "--once" not in sys.argv:
        time.sleep(30)
        catch_up()
