"""The colours and styles of pages and pictures, light and dark. A test computes the contrast of each pair."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Colours:
    """One colour scheme. ink and muted are of texts, grid and soft only decorate, the others are of all."""

    paper: str
    soft: str
    ink: str
    muted: str
    grid: str
    count: str
    progressing: str
    healthy: str
    failing: str


LIGHT = Colours(
    paper="#ffffff",
    soft="#f4f6f8",
    ink="#1c2128",
    muted="#57606a",
    grid="#dfe4ea",
    count="#0b62c4",
    progressing="#5c6773",
    healthy="#18753c",
    failing="#bf1f2d",
)
DARK = Colours(
    paper="#0f1419",
    soft="#1a2129",
    ink="#e4e9ef",
    muted="#9aa5b1",
    grid="#2c353f",
    count="#6cb0ff",
    progressing="#93a0ad",
    healthy="#4cc274",
    failing="#ff7b76",
)

FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',sans-serif"
MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"

_PICTURE = """
svg text{font-family:%(font)s;font-size:12px;fill:var(--ink);font-variant-numeric:tabular-nums}
svg .small{font-size:11px;fill:var(--muted)}
svg .title{font-size:17px;font-weight:600}
svg .value{font-weight:600}
svg .on{font-size:11px;font-weight:600;fill:var(--paper)}
svg .paper{fill:var(--paper)}
svg .grid{stroke:var(--grid);stroke-width:1;fill:none}
svg .line{stroke:var(--count);stroke-width:2;fill:none;stroke-linejoin:round}
svg .area{fill:var(--count);fill-opacity:.14}
svg .dot{fill:var(--count)}
svg .expected{stroke:var(--muted);stroke-width:1;stroke-dasharray:5 3;fill:none}
svg .required{stroke:var(--muted);stroke-width:1.5;stroke-dasharray:1.5 2.5;fill:none}
svg .look{stroke:var(--muted);stroke-width:1.5}
svg .lost{stroke:var(--failing);stroke-width:2;fill:none}
svg .waits{stroke:var(--progressing);stroke-width:1.5}
svg .passes{fill:var(--healthy)}
svg .is-progressing{fill:var(--progressing)}
svg .is-healthy{fill:var(--healthy)}
svg .is-failing{fill:var(--failing)}
svg .is-no-answer{fill:none;stroke:var(--failing);stroke-width:1.5;stroke-dasharray:3 2}
svg .hatch{stroke:var(--paper);stroke-width:1.5;stroke-opacity:.45}
svg text.is-progressing{fill:var(--ink)}
"""

_PAGE = """
*{box-sizing:border-box}
html{color-scheme:light dark}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 %(font)s;-webkit-text-size-adjust:100%%}
main{max-width:56rem;margin:0 auto;padding:2.5rem 1.5rem 4rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .25rem;font-weight:650;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:1.25rem;line-height:1.3;margin:3.5rem 0 .25rem;padding-top:1.5rem;border-top:1px solid var(--grid);
font-weight:650;overflow-wrap:anywhere}
.part{font-size:1rem;margin:2.5rem 0 .5rem;padding:0;border:0;font-weight:650}
p{margin:.5rem 0}
a{color:var(--count)}
a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:2px solid var(--count);outline-offset:2px}
.about,.note{color:var(--muted);font-size:.875rem}
.about{overflow-wrap:anywhere}
.ending{font-weight:650}
.healthy{color:var(--healthy)}
.failing{color:var(--failing)}
.progressing{color:var(--ink)}
.headline{font-size:1.0625rem;overflow-wrap:anywhere}
figure{margin:1.5rem 0 0}
svg{display:block;max-width:100%%;height:auto}
.narrow{display:none}
.scroll{overflow-x:auto}
.scroll+.scroll{margin-top:1.5rem}
table{border-collapse:collapse;width:100%%;font-size:.875rem;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--muted);padding-bottom:.25rem}
th,td{text-align:left;vertical-align:top;padding:.4rem 1rem .4rem 0;border-bottom:1px solid var(--grid)}
th{font-weight:600}
thead th{color:var(--muted)}
td.number,th.number{text-align:right}
.words{overflow-wrap:anywhere}
td .note{margin:0}
td div+div{margin-top:.4rem}
code{font:.8125rem/1.5 %(mono)s;background:var(--soft);padding:.125rem .3rem;border-radius:.25rem;
overflow-wrap:anywhere;-webkit-box-decoration-break:clone;box-decoration-break:clone}
ul{padding:0;margin:0;list-style:none}
li{padding:.6rem 0 .6rem 1.6rem;border-bottom:1px solid var(--grid);overflow-wrap:anywhere;position:relative}
.plain li{padding-left:0}
.plain code{display:block;margin-top:.25rem;padding:.5rem .75rem}
code span{display:inline-block;max-width:100%%}
li>.mark{position:absolute;left:0;font-weight:700}
li p{margin:.25rem 0 0;color:var(--muted);font-size:.9375rem}
details{margin-top:2.25rem}
summary{cursor:pointer;font-weight:650}
details>div{margin-top:.75rem}
@media(max-width:46rem){
main{padding:1.5rem 1rem 3rem}
.wide{display:none}
.narrow{display:block}
.narrow svg{width:100%%}
}
@media print{.narrow{display:none}.wide{display:block}}
"""


def of_picture() -> str:
    """Return the style sheet of a picture, with the colours of both schemes."""
    return f"{_schemes()}{_PICTURE % {'font': FONT}}".replace("\n", "")


def of_page() -> str:
    """Return the style sheet of a page, its pictures included."""
    return of_picture() + (_PAGE % {"font": FONT, "mono": MONO}).replace("\n", "")


def _schemes() -> str:
    return f":root{{{_variables(LIGHT)}}}@media(prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}"


def _variables(colours: Colours) -> str:
    return ";".join(f"--{name}:{value}" for name, value in asdict(colours).items())
