#!/bin/sh
# cronsim 2.8 (PyPI), Python 3.11 with tzdata 2026.1 or later.
#
# Where a zone's clocks go back by half an hour, an expression whose minute or hour begins with a star loses a fire time
# that day, far from the change. Australia/Lord_Howe goes from 02:00 back to 01:30 on 2027-04-04; `0 */5 * * *` then fires
# at 00:00, 10:00, 15:00 and 20:00, and not at 05:00. The same hours as a list, `0 0,5,10,15,20 * * *`, fire at 05:00 too.
# In zones that shift by a whole hour both agree.
#
# Seen 2026-11-29:
#   0 */5 * * *          00:00 10:00 15:00 20:00
#   0 0,5,10,15,20 * * * 00:00 05:00 10:00 15:00 20:00
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check cronsim==2.8 tzdata
"$folder/venv/bin/python" - <<'PROGRAM'
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

zone = ZoneInfo("Australia/Lord_Howe")


def fires(expression):
    times = CronSim(expression, datetime(2027, 4, 3, 23, 30, tzinfo=zone))
    found = []
    while (at := next(times)).date() == datetime(2027, 4, 4).date():
        found.append(at.strftime("%H:%M"))
    print(f"{expression:20} {' '.join(found)}")
    return found


stepped, listed = fires("0 */5 * * *"), fires("0 0,5,10,15,20 * * *")
sys.exit(0 if "05:00" not in stepped and "05:00" in listed else 1)
PROGRAM
