#!/bin/sh
# 按游标读取结果事件 Appends what is new in the feed to a file, a CloudEvent in a line, and keeps the cursor beside it. Run it from cron.
#
#   API=https://….execute-api.cn-north-1.amazonaws.com.cn/v1 PARTY=data-centre AWS_DEFAULT_REGION=cn-north-1 ./feed_consumer.sh
set -eu
: "${API:?}" "${PARTY:?}" "${AWS_DEFAULT_REGION:?}" "${AWS_ACCESS_KEY_ID:?}" "${AWS_SECRET_ACCESS_KEY:?}"
events=${EVENTS_FILE:-events.ndjson}
cursor=${CURSOR_FILE:-cursor.txt}
page=$(mktemp) headers=$(mktemp)
trap 'rm -f "$page" "$headers"' EXIT

header() { tr -d '\r' <"$headers" | awk -v name="$1" 'tolower($1) == name ":" { print $2 }'; }

more=true
while [ "$more" = true ]; do
  from=""
  [ ! -s "$cursor" ] || from="cursor=$(cat "$cursor")&"
  curl --silent --show-error --fail --retry 5 --aws-sigv4 "aws:amz:$AWS_DEFAULT_REGION:execute-api" \
    --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" ${AWS_SESSION_TOKEN:+--header "x-amz-security-token: $AWS_SESSION_TOKEN"} \
    --header "party: $PARTY" --header "accept: application/x-ndjson" \
    --dump-header "$headers" --output "$page" "$API/feed?${from}limit=500"
  cat "$page" >>"$events"
  header next-cursor >"$cursor.new"
  mv "$cursor.new" "$cursor" # only after the events were kept
  more=$(header more)
done
