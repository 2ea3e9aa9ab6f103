/** The style sheet of the pages: system fonts, light and dark, readable on a phone. */
export const docsStyle = `
:root { color-scheme: light dark; --ink: #16202c; --dim: #5b6878; --paper: #fff; --soft: #f4f6f9; --line: #dde3ea;
  --accent: #0b63ce; --get: #0b6bcb; --post: #14804a; --put: #a15c00; --patch: #7a4bc4; --delete: #c2322d; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e9f0; --dim: #93a1b2; --paper: #10161d; --soft: #18212b; --line: #2a3644;
  --accent: #6cb2ff; --get: #6cb2ff; --post: #5fcf93; --put: #e6a94d; --patch: #b898ee; --delete: #f2847f; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1rem; }
body { margin: 0; color: var(--ink); background: var(--paper); font: 16px/1.55 system-ui, sans-serif; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
code, pre { font: .86em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
code { background: var(--soft); padding: .1em .35em; border-radius: 4px; overflow-wrap: anywhere; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem; overflow-x: auto; }
pre code { background: none; padding: 0; overflow-wrap: normal; }
.layout { display: grid; grid-template-columns: 17rem minmax(0, 1fr); max-width: 78rem; margin: 0 auto; }
nav { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow-y: auto; padding: 1.5rem 1rem 2rem 1.5rem;
  border-right: 1px solid var(--line); font-size: .88rem; }
nav ul { list-style: none; margin: 0 0 1rem; padding: 0; } nav li { margin: .2rem 0; }
nav h2 { font-size: .75rem; letter-spacing: .06em; text-transform: uppercase; color: var(--dim); margin: 1rem 0 .3rem; }
nav li a { color: inherit; display: block; }
main { padding: 2rem 2.5rem 6rem; min-width: 0; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; letter-spacing: -.01em; }
h2 { font-size: 1.4rem; margin: 3rem 0 .4rem; } h4 { font-size: .8rem; margin: 1.1rem 0 .4rem; color: var(--dim); text-transform: uppercase;
  letter-spacing: .05em; }
p { margin: .5rem 0; max-width: 46rem; } .dim { color: var(--dim); }
details.op, details.schema { border: 1px solid var(--line); border-radius: 10px; margin: .6rem 0; background: var(--paper); }
details > summary { cursor: pointer; padding: .65rem .9rem; display: flex; flex-wrap: wrap; gap: .3rem .8rem; align-items: baseline;
  list-style: none; } details > summary::-webkit-details-marker { display: none; }
details[open] > summary { border-bottom: 1px solid var(--line); }
summary .path { font: 600 .88rem ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
summary .what { color: var(--dim); margin-left: auto; font-size: .9rem; }
.inside { padding: .3rem 1rem 1rem; }
.method { font: 700 .72rem ui-monospace, Menlo, Consolas, monospace; width: 3.9rem; text-align: center; padding: .15rem 0;
  border-radius: 5px; border: 1px solid currentColor; text-transform: uppercase; }
.get { color: var(--get); } .post { color: var(--post); } .put { color: var(--put); } .patch { color: var(--patch); }
.delete { color: var(--delete); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--dim); font-size: .8rem; } td:first-child { white-space: nowrap; }
.tag { font-size: .75rem; color: var(--dim); border: 1px solid var(--line); border-radius: 99px; padding: .05rem .5rem; white-space: nowrap; }
.card { max-width: 44rem; margin: 8vh auto; padding: 0 1.5rem; } .card li { margin: .4rem 0; }
@media (max-width: 52rem) { .layout { grid-template-columns: minmax(0, 1fr); } nav { position: static; max-height: none; border-right: 0;
  border-bottom: 1px solid var(--line); } main { padding: 1.5rem 1.1rem 4rem; } summary .what { margin-left: 0; width: 100%; } }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
`
