"""Writes schedule.tsv: when schedules are due, found without Ordinaut, croner or the crate rrule.

Python 3.11 with python-dateutil and tzdata, of which the file names the versions:

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install python-dateutil tzdata
    PYTHONTZPATH= /tmp/oracle/bin/python make.py                       # writes the file
    PYTHONTZPATH= /tmp/oracle/bin/python make.py ZONE 'EXPRESSION'     # lists the instants of one schedule

PYTHONTZPATH= keeps the system's zone data out: it may be years old.

Cron is a walk over every date and every second of the day that the expression names; each time on the clock then
becomes instants by the documented rules: in a gap, the first instant after it; twice, the first; and if hours or minutes
have a * or a step, exactly those instants at which the clock shows it. Rules are dateutil's expansion of naive times,
which zoneinfo resolves: in a gap shifted by its length, twice the first.

A line: zone, kind, dtstart, expression, exdates, rdates, scope, count, a digest for each year, the first three instants
and the last. The scope `changes` means six hours before to six hours after each change of the zone's offset.
"""

import os
import re
import sys
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import dateutil
import tzdata
from dateutil.rrule import rrulestr

FROM, TO = 2026, 2036
DAY = 86_400
WINDOW = 6 * 3600

ZONES = [
    "UTC",
    "Europe/Chisinau",
    "Europe/London",
    "America/New_York",
    "America/Vancouver",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Apia",
]

# (expression, scope)
CRON = [
    ("* * * * *", "changes"),
    ("*/5 * * * *", "changes"),
    ("*/7 * * * *", "changes"),
    ("7-59/13 * * * *", "changes"),
    ("0 * * * *", "changes"),
    ("15,45 * * * *", "changes"),
    ("*/30 1 * * *", "changes"),
    ("*/30 2 * * *", "changes"),
    ("*/20 3 * * *", "changes"),
    ("0 */2 * * *", "changes"),
    ("30 1-5/2 * * *", "changes"),
    ("30 */15 * * * *", "changes"),
    ("*/20 30 2 * * *", "changes"),
    ("0 0-23 * * *", "changes"),
    ("15,45 1,2,3 * * *", "changes"),
    ("0-59 2 * * SUN", "changes"),
    ("0 0 * * *", "all"),
    ("30 0 * * *", "all"),
    ("30 1 * * *", "all"),
    ("0 2 * * *", "all"),
    ("30 2 * * *", "all"),
    ("45 2 * * *", "all"),
    ("0 3 * * *", "all"),
    ("59 59 23 * * *", "all"),
    ("0 9 * * MON-FRI", "all"),
    ("30 2 * * SAT,SUN", "all"),
    ("0 9 1,15 * *", "all"),
    ("0 9 13 * FRI", "all"),
    ("0 9 */10 * MON", "all"),
    ("0 9 L * *", "all"),
    ("0 9 LW * *", "all"),
    ("0 9 1W * *", "all"),
    ("0 9 15W,31W * *", "all"),
    ("30 2 * * SUN#2", "all"),
    ("0 1 * * SUNL", "all"),
    ("0 9 * JAN,APR,JUL,OCT MON#1", "all"),
    ("0 0 29 2 *", "all"),
    ("0 0 31 */2 *", "all"),
    ("0 12 * MAR-MAY 7", "all"),
    ("0 9 L 2 3", "all"),
    ("@weekly", "all"),
    ("@month_end 02:30", "all"),
    ("@first_business_day", "all"),
]

# What the presets above stand for, from their descriptions.
PRESETS = {
    "@weekly": "0 0 * * 0",
    "@month_end 02:30": "30 2 L * *",
    "@first_business_day": "0 9 1W * *",
}

# (rule, dtstart, scope, exdates, rdates)
RULES = [
    ("FREQ=DAILY", "2019-05-03T02:30:00", "all", "", ""),
    ("FREQ=DAILY;INTERVAL=3", "2016-02-29T01:30:00", "all", "", ""),
    ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9,17;BYMINUTE=0,30", "2025-12-01T00:00:00", "all", "", ""),
    ("FREQ=DAILY;COUNT=500", "2025-10-01T02:15:00", "all", "", ""),
    ("FREQ=DAILY;UNTIL=20270328T013000Z", "2025-06-01T03:30:00", "all", "", ""),
    ("FREQ=DAILY;UNTIL=20271107T013000", "2025-06-01T01:30:00", "all", "", ""),
    ("FREQ=DAILY;BYMONTH=3,11;BYHOUR=0,1,2,3", "2020-01-01T00:45:00", "all", "", ""),
    ("FREQ=WEEKLY", "2018-07-08T02:00:00", "all", "", ""),
    ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=MO", "1997-08-05T09:00:00", "all", "", ""),
    ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU", "1997-08-05T09:00:00", "all", "", ""),
    ("FREQ=WEEKLY;INTERVAL=3;BYDAY=SA,SU,MO", "2020-02-29T02:30:00", "all", "", ""),
    ("FREQ=WEEKLY;BYDAY=SU;BYSETPOS=-1;BYHOUR=1,2,3", "2026-01-05T00:00:00", "all", "", ""),
    ("FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1", "2026-01-07T09:00:00", "all", "", ""),
    ("FREQ=MONTHLY", "2015-01-31T02:30:00", "all", "", ""),
    ("FREQ=MONTHLY;INTERVAL=5", "2015-01-30T09:00:00", "all", "", ""),
    ("FREQ=MONTHLY;BYDAY=-1FR", "2020-01-01T09:00:00", "all", "", ""),
    ("FREQ=MONTHLY;BYDAY=2SU,-1SU", "2020-01-01T02:30:00", "all", "", ""),
    ("FREQ=MONTHLY;BYMONTHDAY=-1", "2020-01-01T00:00:00", "all", "", ""),
    ("FREQ=MONTHLY;BYMONTHDAY=1,15,-2", "2020-01-01T12:34:56", "all", "", ""),
    ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1", "2020-01-01T09:00:00", "all", "", ""),
    ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2,3", "2020-01-01T09:00:00", "all", "", ""),
    ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "1998-02-13T09:00:00", "all", "", ""),
    ("FREQ=MONTHLY;INTERVAL=2;BYDAY=SU;COUNT=100", "2024-09-01T01:30:00", "all", "", ""),
    ("FREQ=YEARLY", "2012-02-29T09:00:00", "all", "", ""),
    ("FREQ=YEARLY;INTERVAL=3;BYMONTH=3,10;BYDAY=-1SU", "2018-03-25T01:30:00", "all", "", ""),
    ("FREQ=YEARLY;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8", "2000-11-07T09:00:00", "all", "", ""),
    ("FREQ=YEARLY;BYDAY=20MO,-1SU", "1997-05-19T02:00:00", "all", "", ""),
    ("FREQ=YEARLY;BYWEEKNO=1,20,53;BYDAY=MO", "1997-05-12T09:00:00", "all", "", ""),
    ("FREQ=YEARLY;BYYEARDAY=1,100,-1,366", "1997-01-01T09:00:00", "all", "", ""),
    ("FREQ=YEARLY;BYMONTH=1,6;BYDAY=MO,WE;BYSETPOS=2,-1", "2001-01-01T09:00:00", "all", "", ""),
    ("FREQ=HOURLY", "2025-01-01T00:30:00", "changes", "", ""),
    ("FREQ=HOURLY;INTERVAL=5;BYMINUTE=0,20,40", "2025-01-01T01:00:00", "changes", "", ""),
    ("FREQ=HOURLY;BYHOUR=1,2,3;BYMINUTE=15,45", "2025-01-01T00:00:00", "changes", "", ""),
    (
        "FREQ=DAILY;INTERVAL=2",
        "2026-03-01T09:00:00",
        "all",
        "2026-03-03T09:00:00,2026-03-29T09:00:00,2030-01-01T09:00:00",
        "2026-03-03T15:00:00,2027-03-28T02:30:00,2027-10-31T01:30:00",
    ),
]

NAMES = {name: at for at, name in enumerate("SUN MON TUE WED THU FRI SAT".split())}
MONTHS = {name: at + 1 for at, name in enumerate("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split())}

SPECIAL = re.compile("L|LW|[0-9]+W|[0-9A-Z]+#[0-9]|([0-9]|SUN|MON|TUE|WED|THU|FRI|SAT)L")


def numbers(field, low, high, names=()):
    """The numbers that a field names, without those that need a month to mean anything."""
    found = set()
    for item in field.split(","):
        if SPECIAL.fullmatch(item):
            continue
        item, _, step = item.partition("/")
        if item == "*":
            first, last = low, high
        else:
            first, _, last = item.partition("-")
            first = names[first] if first in names else int(first)
            last = first if not last else names[last] if last in names else int(last)
        found.update(range(first, last + 1, int(step or 1)))
    return found


def month_length(day):
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return (following - timedelta(days=1)).day


def nearest_weekday(day, number):
    """The day of the month from Monday to Friday that is nearest to a numbered one, in the same month."""
    in_month = [day.replace(day=n) for n in range(1, month_length(day) + 1)]
    if number > len(in_month):
        return None
    workdays = [d.day for d in in_month if d.weekday() < 5]
    near = min(workdays, key=lambda n: (abs(n - number), 0))
    if in_month[number - 1].weekday() == 5 and number > 1:
        near = number - 1
    if in_month[number - 1].weekday() == 6 and number < len(in_month):
        near = number + 1
    return near


def month_day_matches(field, day):
    if day.day in numbers(field, 1, 31):
        return True
    for item in field.split(","):
        if item == "L" and day.day == month_length(day):
            return True
        if item == "LW":
            last = [n for n in range(1, month_length(day) + 1) if day.replace(day=n).weekday() < 5][-1]
            if day.day == last:
                return True
        elif item.endswith("W") and nearest_weekday(day, int(item[:-1])) == day.day:
            return True
    return False


def weekday_matches(field, day):
    weekday = day.isoweekday() % 7
    if weekday in {n % 7 for n in numbers(field, 0, 7, NAMES)}:
        return True
    for item in field.split(","):
        name, _, nth = item.partition("#")
        if nth or item.endswith("L"):
            name = name if nth else item[:-1]
            wanted = (NAMES[name] if name in NAMES else int(name)) % 7
            if weekday != wanted:
                continue
            if not nth and day.day + 7 > month_length(day):
                return True
            if nth and (day.day - 1) // 7 + 1 == int(nth):
                return True
    return False


def day_matches(days, weekdays, day):
    """Of two fields that both say something, one is enough."""
    if days == "*":
        return weekday_matches(weekdays, day)
    if weekdays == "*":
        return month_day_matches(days, day)
    return month_day_matches(days, day) or weekday_matches(weekdays, day)


def shown(zone, at):
    return datetime.fromtimestamp(at, zone).replace(tzinfo=None, fold=0)


def instants(zone, wall):
    """All instants at which the clock shows it: none, one or two."""
    candidates = {int(wall.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1)}
    return sorted(at for at in candidates if shown(zone, at) == wall)


def shifted(zone, wall):
    return int(wall.replace(tzinfo=zone, fold=0).timestamp())


def changes(zone):
    """The instants from 2026 to 2035 at which the offset changes, to the second."""
    found = []
    at, end = utc(FROM), utc(TO)
    while at < end:
        if zone.utcoffset_at(at) != zone.utcoffset_at(at + DAY):
            low, high = at, at + DAY
            while high - low > 1:
                middle = (low + high) // 2
                if zone.utcoffset_at(middle) == zone.utcoffset_at(low):
                    low = middle
                else:
                    high = middle
            found.append(high)
        at += DAY
    return found


def utc(year):
    return int(datetime(year, 1, 1, tzinfo=timezone.utc).timestamp())


class Zone(ZoneInfo):
    def utcoffset_at(self, at):
        return datetime.fromtimestamp(at, self).utcoffset()


def cron(zone, expr, around):
    fields = PRESETS.get(expr, expr).split()
    if len(fields) == 5:
        fields.insert(0, "0")
    second, minute, hour, days, months, weekdays = fields
    in_steps = any(char in minute + hour for char in "*/")
    times = sorted(
        h * 3600 + m * 60 + s
        for h in numbers(hour, 0, 23)
        for m in numbers(minute, 0, 59)
        for s in numbers(second, 0, 59)
    )
    months = numbers(months, 1, 12, MONTHS)
    near = None
    if around is not None:
        near = {shown(zone, at + days * DAY).date() for at in around for days in range(-2, 3)}
    found = set()
    day = date(FROM - 1, 12, 30)
    while day <= date(TO, 1, 3):
        midnight = datetime(day.year, day.month, day.day)
        if (near is None or day in near) and day.month in months and day_matches(days, weekdays, day):
            begin, end = shifted(zone, midnight), shifted(zone, midnight + timedelta(days=1))
            if end - begin == DAY and zone.utcoffset_at(begin) == zone.utcoffset_at(end):
                found.update(begin + time for time in times)
            else:
                found.update(at for time in times for at in odd(zone, midnight + timedelta(seconds=time), in_steps))
        day += timedelta(days=1)
    return found


def odd(zone, wall, in_steps):
    at = instants(zone, wall)
    if in_steps:
        return at
    if at:
        return at[:1]
    # In a gap: the first time behind it that the clock shows.
    while not at:
        wall += timedelta(seconds=60 if wall.second == 0 else 60 - wall.second)
        at = instants(zone, wall)
    return at[:1]


def rule(zone, expr, dtstart, exdates, rdates):
    parts = [part for part in expr.split(";") if not part.startswith("UNTIL=")]
    until = next((part[6:] for part in expr.split(";") if part.startswith("UNTIL=")), None)
    last = None
    if until:
        wall = datetime.strptime(until.rstrip("Z"), "%Y%m%dT%H%M%S")
        last = int(wall.replace(tzinfo=timezone.utc).timestamp()) if until.endswith("Z") else shifted(zone, wall)
    walls = set()
    for wall in rrulestr(";".join(parts), dtstart=datetime.fromisoformat(dtstart)):
        if wall >= datetime(TO, 1, 4):
            break
        if last is None or shifted(zone, wall) <= last:
            walls.add(wall)
    walls |= {datetime.fromisoformat(wall) for wall in rdates.split(",") if wall}
    walls -= {datetime.fromisoformat(wall) for wall in exdates.split(",") if wall}
    return {shifted(zone, wall) for wall in walls}


def in_scope(found, around):
    found = sorted(at for at in found if utc(FROM) <= at < utc(TO))
    if around is None:
        return found
    return [at for at in found if any(change - WINDOW <= at < change + WINDOW for change in around)]


def digest(instants):
    """FNV-1a over the seconds as little-endian 64-bit numbers, its halves folded."""
    value = 0xCBF29CE484222325
    for at in instants:
        for byte in at.to_bytes(8, "little"):
            value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{(value >> 32) ^ (value % 2**32):08x}"


def schedules(name):
    """Zone, kind, dtstart, expression, exdates, rdates, scope, and the instants."""
    zone = Zone(name)
    # A zone without changes is looked at around the first of each year.
    around = changes(zone) or [utc(year) for year in range(FROM + 1, TO)]
    for expr, scope in CRON:
        limit = around if scope == "changes" else None
        yield (name, "cron", "", expr, "", "", scope), in_scope(cron(zone, expr, limit), limit)
    for expr, dtstart, scope, exdates, rdates in RULES:
        limit = around if scope == "changes" else None
        found = rule(zone, expr, dtstart, exdates, rdates)
        yield (name, "rrule", dtstart, expr, exdates, rdates, scope), in_scope(found, limit)


def main():
    if len(sys.argv) == 3:
        zone = Zone(sys.argv[1])
        for line, found in schedules(sys.argv[1]):
            if line[3] == sys.argv[2]:
                print(*(f"{at} {datetime.fromtimestamp(at, zone).isoformat()}" for at in found), sep="\n")
        return
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "schedule.tsv")
    with open(path, "w", encoding="ascii") as file:
        versions = f"python {sys.version.split()[0]}, dateutil {dateutil.__version__}, tzdata {tzdata.IANA_VERSION}"
        print(f"# by make.py with {versions}: {FROM} to {TO - 1}", file=file)
        for name in ZONES:
            zone = Zone(name)
            found = changes(zone)
            offsets = ",".join(f"{at}:{int(zone.utcoffset_at(at).total_seconds())}" for at in found)
            print("zone", name, offsets, sep="\t", file=file)
            for line, found in schedules(name):
                years = [[at for at in found if utc(year) <= at < utc(year + 1)] for year in range(FROM, TO)]
                ends = found[:3] + found[-1:]
                print(*line, len(found), ",".join(map(digest, years)), ",".join(map(str, ends)), sep="\t", file=file)


if __name__ == "__main__":
    main()
