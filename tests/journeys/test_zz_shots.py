"""Pictures."""
from datetime import date, timedelta
import pytest
from django.utils import timezone
from stages.models import Slot, Stage, SlotEdit, Release
playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.django_db(transaction=True)]
OUT="/tmp/shots/timetable"
def shoot(browser, server, log_in, who, shots, tag):
    for w,h in ((360,740),(1280,800)):
        for scheme in ("dark","light"):
            ctx = browser.new_context(viewport={"width":w,"height":h}, color_scheme=scheme, locale="en-GB")
            page = ctx.new_page()
            if who: log_in(page, who)
            for name, path, act in shots:
                page.goto(server.url+path)
                if act: act(page)
                page.wait_for_timeout(300)
                assert page.evaluate("document.documentElement.scrollWidth") <= w, (name, w, page.evaluate("document.documentElement.scrollWidth"))
                page.screenshot(path=f"{OUT}/{tag}-{name}-{w}-{scheme}.png", full_page=w==360 and "full" in name or w==1280 and "full" in name)
            ctx.close()
def test_shots(browser, server, log_in, elena, marcus, event, stage, other_stage):
    loft = Stage.objects.create(event=event, name="Lindy Loft", position=2)
    base="/organize/e/wcs-budapest/timetable"
    shoot(browser, server, log_in, elena, [("org-full", base, None),("dancer","/e/wcs-budapest/timetable",None)], "empty")
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    names = ["Ana","Marcus","Odette & Theo","Jun","DJ Bartholomew Featherstonehaugh-Cholmondeley of the Westside","רות כהן"]
    for s_i, s in enumerate((stage, other_stage, loft)):
        for n in range(7):
            at = now + timedelta(hours=2*n-3+24*(n//4))
            Slot.objects.create(stage=s, starts_at=at, ends_at=at+timedelta(hours=2), dj_name=names[(n+s_i)%6], dj=marcus if n==1 else None, title="A very long workshop title about musicality, connection and stretch in slow music, level 3" if n==2 else "", kind="workshop" if n==2 else "social")
    from dataclasses import replace
    from stages.actions.timetable import save_line, remove_line
    from stages.timetable_access import working_copy
    lines = working_copy(event)
    save_line(event, elena, replace(lines[3].entry, starts_at=lines[3].entry.starts_at+timedelta(minutes=20)), lines[3].code, lines[3].seen)
    remove_line(event, elena, lines[5].code, lines[5].seen)
    save_line(event, elena, replace(lines[4].entry, dj_name="Rosa", dj_id=None))
    code = lines[3].code
    def typed(page):
        page.get_by_label("From", exact=True).fill("22:00"); page.get_by_label("To", exact=True).fill("22:00"); page.get_by_role("button", name="Add", exact=True).click(); page.wait_for_load_state()
    def star(page):
        page.locator("li[data-s] button").nth(3).click(); page.wait_for_timeout(300)
    def sheet(page):
        page.get_by_label("or paste it here").fill("stage,date,start,end,dj\nMain Floor,%s,22:00,03:00,Rosa\nAttic,2027-01-01,1,2,Bo\nMain Floor,x,1,2,B\n" % (event.starts_on)); page.get_by_role("button", name="Look at it").click(); page.wait_for_load_state()
    shoot(browser, server, log_in, elena, [("org-full", base, None),("org-error", base, typed),("slot", f"{base}/slot/{code}", None),("publish-full", f"{base}/publish", None),("late-full", f"{base}/late?where=now-{stage.code}&minutes=25", None),("import-full", f"{base}/import", None),("import-look-full", f"{base}/import", sheet),("dancer-full","/e/wcs-budapest/timetable",star),("dancer","/e/wcs-budapest/timetable",star)], "many")
    Release.objects.create(event=event, changes=[{"slotId":code,"change":"new","from":None,"to":{"stageId":stage.code,"stageName":"Main Floor","startsAt":(now+timedelta(days=1)).isoformat(),"endsAt":(now+timedelta(days=1,hours=2)).isoformat(),"djName":"Ana","title":"","kind":"social"}}])
    Release.objects.create(event=event, changes=[])
    shoot(browser, server, log_in, elena, [("notify", f"{base}/notify", None)], "many")
