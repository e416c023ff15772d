"""The page's own style: no font, image or script comes from elsewhere."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1c2128;--soft:#5b6572;--line:#e2e6ea;
--tint:#f5f7f8;
--accent:#00796b;--accent-tint:#e3f3f0;--warn:#9a5b00;--warn-tint:#fff5e0;
--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#cc79a7;--c4:#8a6d00;--c5:#56b4e9;--c6:#6f4bb2;
--c7:#777}
@media (prefers-color-scheme:dark){:root{--paper:#14181d;--ink:#e4e8ec;--soft:#9aa5b1;
--line:#2b323a;
--tint:#1b2127;--accent:#4db6a6;--accent-tint:#16302d;--warn:#e9b55f;--warn-tint:#2e2616;
--c0:#4aa8e0;--c1:#f08a45;--c2:#35c795;--c3:#e19bc2;--c4:#d5b53c;--c5:#8ccdf3;--c6:#a98be0;
--c7:#aaa}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",
Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1040px;margin:0 auto;padding:40px 24px 80px}
.kicker{color:var(--soft);font-size:.85rem;letter-spacing:.04em;margin:0 0 8px}
h1{font-size:1.75rem;line-height:1.3;margin:0 0 20px;font-weight:650;text-wrap:balance}
h2{font-size:1.2rem;margin:52px 0 10px;padding-top:18px;border-top:1px solid var(--line);
font-weight:650}
h3{font-size:1rem;margin:24px 0 6px}
p{margin:8px 0 12px;max-width:72ch}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:12px;margin:22px 0}
.tile{background:var(--tint);border-radius:8px;padding:14px 16px}
.tile b{display:block;font-size:1.55rem;font-weight:650;font-variant-numeric:tabular-nums;
line-height:1.25}
.tile span{color:var(--soft);font-size:.86rem;display:block}
.tile.first{background:var(--accent-tint)}.tile.first b{color:var(--accent)}
ul{padding-left:1.2em;max-width:74ch}li{margin:5px 0}
.note{background:var(--warn-tint);border-left:3px solid var(--warn);padding:8px 14px;
border-radius:0 6px 6px 0;
margin:8px 0;font-size:.94rem;max-width:none}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.88rem;font-variant-numeric:tabular-nums;
margin:10px 0}
th{text-align:left;color:var(--soft);font-weight:550;border-bottom:1px solid var(--line);
padding:6px 9px 6px 0;
vertical-align:bottom;white-space:nowrap}
td{border-bottom:1px solid var(--line);padding:6px 9px 6px 0;vertical-align:middle}
td.n,th.n{text-align:right;white-space:nowrap}
.texts{table-layout:fixed;min-width:720px}.texts td{vertical-align:top;overflow-wrap:anywhere}
.texts th:nth-child(2){width:5em}.texts th:nth-child(5){width:13em}
tr.chosen td{background:var(--accent-tint)}
tr.chosen td:first-child{box-shadow:inset 3px 0 0 var(--accent);
padding-left:9px}
.tag{display:inline-block;font-size:.76rem;padding:1px 8px;border-radius:10px;
background:var(--tint);
color:var(--soft);white-space:nowrap}
.tag.good{background:var(--accent-tint);color:var(--accent);font-weight:600}
.soft{color:var(--soft)}
.plot{width:100%;height:auto;display:block;margin:6px 0}.plot.small{max-width:720px}
.plot text{fill:var(--soft);font-size:12px}.plot text.axis{font-size:12.5px}
.plot text.chosen{fill:var(--ink);font-weight:650;font-size:13px}
.grid{stroke:var(--line);stroke-width:1}.front{fill:none;stroke:var(--soft);stroke-width:1.4;
stroke-dasharray:5 4}
.ring{fill:none;stroke:var(--ink);stroke-width:2}
.gone{fill:var(--line)}.kept{fill:var(--accent);opacity:.75}
.interval line{stroke:var(--soft);stroke-width:2}.interval circle{fill:var(--soft)}
.interval.strong line{stroke:var(--accent)}.interval.strong circle{fill:var(--accent)}
.interval{display:block}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:.85rem;color:var(--soft);max-width:none}
.legend i{display:inline-block;width:10px;height:10px;border-radius:50%;margin-right:6px}
pre{background:var(--tint);padding:14px 16px;border-radius:8px;overflow-x:auto;font-size:.85rem;
line-height:1.5}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
details summary{cursor:pointer;color:var(--accent);margin:8px 0}
.matrix td,.matrix th{text-align:center;padding:6px 8px}
.matrix td:first-child{text-align:left}
.matrix .yes{background:var(--accent-tint);color:var(--accent);font-weight:600}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;font-size:.86rem;margin:10px 0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere;
font-family:ui-monospace,Menlo,Consolas,monospace;
font-size:.82rem}
footer{margin-top:48px;color:var(--soft);font-size:.85rem}
@media print{main{max-width:none;padding:0}h2{break-after:avoid}table,svg,.tiles{break-inside:avoid}
details>*{display:block}body{font-size:11pt}}
"""
