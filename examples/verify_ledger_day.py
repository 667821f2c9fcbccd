"""验证某日台账 Downloads a day of the Ledger and proves that its files are those whose hashes were published.

    API=https://….execute-api.cn-north-1.amazonaws.com.cn/v1 PARTY=data-centre python verify_ledger_day.py 2026-11-23 [SHA256]

可一并核对已保存的 sha256 Give the sha256 that you kept of the day (LedgerDayClosed): then nobody can have altered it since.
"""

import gzip
import hashlib
import json
import os
import sys

import boto3
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

API, PARTY = os.environ["API"], os.environ["PARTY"]


def ask(path):
    session = boto3.Session()
    request = AWSRequest("GET", API + path, headers={"party": PARTY})
    SigV4Auth(session.get_credentials(), "execute-api", session.region_name).add_auth(request)
    answer = urllib3.request("GET", request.url, headers=dict(request.prepare().headers))
    if answer.status != 200:
        sys.exit(f"{answer.status} {answer.data.decode()}")
    return answer.json()


def root_of(leaves):
    """Merkle root (RFC 6962, section 2.1)."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1  # the largest power of two below their number
    return hashlib.sha256(b"\x01" + root_of(leaves[:split]) + root_of(leaves[split:])).digest()


def check(found, said, what):
    if found != said:
        sys.exit(f"不符 {what} is not what was published: {found}, {said}")


def verify(name, kept=None):
    answer = ask(f"/ledger/days/{name}")
    day, roots, ratings = answer["day"], [], 0
    for segment in answer["segments"]:
        number = segment["number"]
        body = urllib3.request("GET", ask(f"/ledger/days/{name}/segments/{number}")["url"]).data
        check(hashlib.sha256(body).hexdigest(), segment["sha256"], f"segment {number}")
        lines = gzip.decompress(body).splitlines()  # each is a JSON object; the bytes are what counts
        check(root_of(lines).hex(), segment["root"], f"the root of segment {number}")
        roots.append(bytes.fromhex(segment["root"]))
        ratings += sum(json.loads(line)["entry"] in ("R", "D") for line in lines)
    check(root_of(roots).hex(), day["root"], "the root of the day")
    check((len(roots), ratings), (day["segments"], day["ratings"]), "the number of segments and ratings")
    document = {field: value for field, value in day.items() if field != "sha256"}
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    check(hashlib.sha256(text.encode()).hexdigest(), day["sha256"], "the day")
    check(day["sha256"], kept or day["sha256"], "the day that you kept")
    return day


if __name__ == "__main__":
    day = verify(*sys.argv[1:3])
    print(f"{day['ledger_day']}: 一致 proven: {day['segments']} segments, {day['ratings']} ratings, sha256 {day['sha256']}")
