/** The look of a report: one style sheet, in the page itself. */
import { Html } from "./html.ts";

const TEXT = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1a1a1a;--dim:#595959;--line:#d4d4d4;--soft:#f3f4f6;
--dispatch:#0072b2;--combine:#c2410c;--good:#00785a;--bar:#009e73;--fault:#cc79a7;--warn:#b35900;
--bad:#b23a00;--twin:#1a1a1a;--layer:#7a4988;--step:#8a6d00;--masked:#e69f00;--onbar:#fff}
@media (prefers-color-scheme:dark){:root{--paper:#14161a;--ink:#eceff4;--dim:#a8b0bc;--line:#3a404a;
--soft:#1e2229;--dispatch:#56b4e9;--combine:#ff9a5c;--good:#3ecf9f;--bar:#1fae84;--fault:#dd8fbb;
--warn:#f0b03f;--bad:#ff8a5c;--twin:#eceff4;--layer:#c79bd8;--step:#e3c84a;--masked:#e69f00;
--onbar:#0b0d10}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1100px;margin:0 auto;padding:20px 24px 60px}
h1{font-size:1.55rem;line-height:1.25;margin:0 0 .4rem;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--line);padding-bottom:.25rem}
h3{font-size:1rem;margin:1.2rem 0 .3rem}
p{margin:.4rem 0;max-width:75ch;overflow-wrap:anywhere}
li{overflow-wrap:anywhere}
.about{color:var(--dim)}
.verdict{display:flex;gap:18px;align-items:center;border-left:10px solid;padding:12px 18px;margin:14px 0;background:var(--soft)}
.verdict strong{font-size:2.4rem;line-height:1.1;letter-spacing:.02em}
.verdict div{min-width:0}
.verdict ul{margin:.2rem 0;padding-left:1.1rem}
.PASS{border-color:var(--good)}.PASS strong{color:var(--good)}
.FAIL{border-color:var(--bad)}.FAIL strong{color:var(--bad)}
.INVALID{border-color:var(--warn)}.INVALID strong{color:var(--warn)}
.notice{border:1px solid var(--warn);padding:8px 14px;margin:12px 0}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:10px;margin:14px 0}
.cards div{background:var(--soft);padding:9px 13px}
.cards dt{color:var(--dim);font-size:.82rem}
.cards dd{margin:0;font-size:1.2rem;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.cards .note{font-size:.78rem;color:var(--dim)}
.scroll{overflow-x:auto;margin:.4rem 0}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;vertical-align:top;padding:4px 12px 4px 0;border-bottom:1px solid var(--line)}
td{min-width:4.5rem}
th{color:var(--dim);font-weight:600}
.number{text-align:right;white-space:nowrap}
.bad,.good{font-weight:700;white-space:nowrap}.bad{color:var(--bad)}.good{color:var(--good)}
p.bad{white-space:normal}
pre{background:var(--soft);padding:10px 14px;overflow-x:auto;font-size:.85rem}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
figure{margin:1rem 0}
figcaption{color:var(--dim);font-size:.85rem;max-width:95ch}
svg{display:block;width:100%;height:auto;overflow:visible}
svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:var(--ink)}
svg .tick{fill:var(--dim);font-variant-numeric:tabular-nums}
svg .name{font-weight:600}
svg .onbar{fill:var(--onbar);font-weight:600}
svg.threshold{width:220px}
svg.patterns{position:absolute;width:0;height:0}
svg.narrow{display:none}
.grid{stroke:var(--line);fill:none}
.axis{stroke:var(--dim);fill:none}
.gap{fill:url(#hatch)}
.hatch{stroke:var(--dim);stroke-opacity:.35}
.crossed{stroke:var(--bad)}
.band{fill:var(--fault);fill-opacity:.13}
.fault{fill:var(--fault)}
.bar{fill:var(--bar)}
.twin{stroke:var(--twin);stroke-width:1.5;stroke-dasharray:2 3;fill:none}
.line{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
.range{fill:none;stroke-width:2;stroke-opacity:.38}
.dispatch{stroke:var(--dispatch)}.combine{stroke:var(--combine)}
.line.combine,.line.step{stroke-dasharray:6 3}
.layer{stroke:var(--layer)}.step{stroke:var(--step)}
.dot{fill:var(--paper);stroke-width:2}
.line.any{stroke:var(--dim);stroke-dasharray:3 3}
.line.most{stroke:var(--combine);stroke-width:2.4}
.mark{stroke:var(--ink);stroke-width:1.5;fill:var(--paper)}
.mark.gave-up{fill:var(--masked)}.mark.served{fill:var(--bar)}
rect.combined{fill:var(--bar)}rect.masked{fill:var(--masked)}
rect.lost{fill:url(#cross);stroke:var(--bad)}rect.open{fill:url(#hatch);stroke:var(--dim)}
.zone{fill:var(--bar);fill-opacity:.3;stroke:var(--bar)}
.healthy{fill:none;stroke:var(--ink);stroke-width:1.4}
.met{fill:var(--good)}.missed{stroke:var(--bad);stroke-width:3;fill:none}
@media (max-width:820px){svg.wide{display:none}svg.narrow{display:block;max-width:560px}}
@media (max-width:640px){main{padding:14px 12px 40px}
.verdict{gap:12px;padding:10px 12px;flex-wrap:wrap}.verdict strong{font-size:2rem}h1{font-size:1.3rem}}
@media print{main{max-width:none}section{break-inside:avoid-page}}
`;

/** The style sheet; it has no markup in it. */
export const STYLES = new Html(TEXT.replaceAll("\n", ""));
