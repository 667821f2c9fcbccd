"""接收推送 Takes webhooks: verifies each, handles each event once, and answers within five seconds.

SECRETS=whsec_… PORT=8080 python webhook_consumer.py        # 轮换期间两个密钥，以空格分隔 during a rotation both, by a space
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

SECRETS = os.environ["SECRETS"].split()
known = set()  # yours: a table with the id as its key, written together with what the event changes


def verified(body, headers):
    """The event, None unless one of the secrets signed it within the last five minutes."""
    for secret in SECRETS:
        try:
            return Webhook(secret).verify(body, headers)
        except WebhookVerificationError:
            continue
    return None


def handle(event):
    """Yours. What takes longer than a moment belongs into a queue of your own."""
    print(json.dumps(event, ensure_ascii=False), flush=True)


class Consumer(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        event = verified(body, dict(self.headers.items()))
        if event and event["id"] not in known:
            handle(event)
            known.add(event["id"])  # whatever comes under this id from now on is refused, with 204: it was taken
        self.send_response(204 if event else 401)
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    # In front of it stands whatever speaks HTTPS for you.
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8080"))), Consumer).serve_forever()
