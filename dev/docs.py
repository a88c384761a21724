"""The website: notebooks -> pages for MyST-NB in docs/_build/src -> Sphinx -> docs/_build/html

    python dev/docs.py      warnings are errors; nothing is executed, the outputs are those saved in the notebooks"""
import json,os,re,shutil,subprocess,sys
from pathlib import Path

root = Path(__file__).resolve().parent.parent
if str(root) not in sys.path: sys.path.insert(0, str(root))

from nbdev.config import get_config,nbpath2html
from nbdev.process import NBProcessor
from nbdev.processors import add_show_docs
from dev.api import api_cells,linkify
from dev.nbproc import exported,notebooks
from dev.nbtools import cell_tags,drop_style,page_procs,png_of,png_width

src,html = root/'docs/_build/src',root/'docs/_build/html'

def page(nb):
    "Name of the page of a notebook: `tutorials/walkthrough` for nbs/tutorials/00_walkthrough.ipynb"
    return nbpath2html(nb.relative_to(get_config().nbs_path)).with_suffix('').as_posix()

def _links(md, nb, pages):
    "Links to notebooks become links to their pages, nbdev's callouts Sphinx's notes"
    def f(m):
        url,_,frag = m[2].partition('#')
        to = (nb.parent/url).resolve()
        if url.endswith('.ipynb') and to in pages:
            rel = os.path.relpath(pages[to], Path(pages[nb]).parent)
            return f"{m[1]}({rel}.ipynb{'#'+frag.lower() if frag else ''})"
        if re.match(r'\w+:', url) or not url or not to.exists(): return m[0]
        return f"{m[1]}({get_config().git_url}/blob/{get_config().branch}/{to.relative_to(root).as_posix()})"
    return re.sub(r'(\[[^\]]*\])\(([^)\s]+)\)', f, re.sub(r'^(:::+) *\{\.callout-(\w+)[^}]*\}', r'\1{\2}', md, flags=re.M))

def _output(o):
    "An output as MyST-NB should see it: Markdown only where there is no HTML, no styles of its own"
    d = o.get('data')
    if d:
        if 'text/html' in d: d['text/html'] = drop_style(d['text/html']); d.pop('text/markdown', None)
        o['metadata'] = {}
    return o

def convert(nb, pages):
    "The page of notebook `nb`: where it goes, and the notebook that MyST-NB gets"
    mod = exported().get(nb)
    full = f'{get_config().lib_path.name}.{mod}' if mod else None
    proc = NBProcessor(nb, procs=[add_show_docs, api_cells(full), *page_procs])
    proc.process()
    cells = []
    for c in proc.nb.cells:
        if c.cell_type=='raw': continue
        new = dict(cell_type=c.cell_type, id=c.id, metadata={}, source=c.source)
        if c.cell_type=='markdown': new['source'] = _links(c.source, nb, pages)
        else:
            if not c.source.strip(): continue
            new.update(outputs=[_output(o) for o in c.outputs], execution_count=None)
            if (t := cell_tags(c)): new['metadata']['tags'] = t
            if (ws := [png_width(p) for o in c.outputs if (p := png_of(o))]):
                new['metadata']['mystnb'] = dict(image=dict(width=f'{max(ws)}px'))
        cells.append(new)
    git = f'{get_config().git_url}/blob/{get_config().branch}'
    note = f'[notebook]({git}/{nb.relative_to(root).as_posix()})'
    if mod: note += f' · [`{full}`]({git}/fasterprune/{mod.replace(".", "/")}.py)'
    title,_,rest = cells[0]['source'].partition('\n')
    cells[0]['source'] = f'{title}\n\n:::{{container}} source-links\n{note}\n:::\n\n{rest}'
    out = src/f'{pages[nb]}.ipynb'
    meta = dict(kernelspec=dict(display_name='python3', language='python', name='python3'), language_info=dict(name='python'))
    return out, dict(cells=cells, metadata=meta, nbformat=4, nbformat_minor=5)

def toctree(caption, names):
    return '\n'.join(['```{toctree}', ':hidden:', f':caption: {caption}', '', *names, '```']) if names else ''

def prepare():
    "Write all sources of the website"
    shutil.rmtree(src, ignore_errors=True)
    pages = {o: page(o) for o in notebooks()}
    tuts = [p for p in pages.values() if p.startswith('tutorials/')]
    mods = [p for p in pages.values() if p!='index' and p not in tuts]
    done = [convert(nb, pages) for nb in pages]
    for out,d in done:
        for c in d['cells']:
            if c['cell_type']=='markdown': c['source'] = linkify(c['source'])
        if out==src/'index.ipynb':
            trees = toctree('Tutorials', tuts), toctree('Reference', mods), toctree('Project', ['changelog', 'contributing'])
            d['cells'].append(dict(cell_type='markdown', id='toc', metadata={}, source='\n\n'.join(filter(None, trees))))
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(d), encoding='utf-8')
    for n in ('changelog', 'contributing'):
        txt = (root/f'{n.upper()}.md').read_text(encoding='utf-8')
        (src/f'{n}.md').write_text(linkify(_links(txt, root/'x.md', pages | {root/'x.md': 'x'})), encoding='utf-8')

def as_text(d):
    "Markdown of a page, for readers without a browser: the address in each module's docstring, page.html.md"
    for c in d['cells']:
        if c['cell_type']=='markdown': yield c['source']
        else:
            yield f"```python\n{c['source']}\n```"
            for o in c['outputs']:
                t = o.get('text') or o.get('data', {}).get('text/plain', '')
                if t: yield f"```\n{''.join(t).rstrip()}\n```"

def build():
    "Build the website; 0 if there was not a single warning"
    os.chdir(root)
    prepare()
    shutil.rmtree(html, ignore_errors=True)
    cmd = [sys.executable, '-m', 'sphinx', '-b', 'html', '-W', '--keep-going', '-q', '-c', 'docs', '-d', 'docs/_build/doctrees', '-E', src, html]
    r = subprocess.run(cmd).returncode
    for o in src.rglob('*.ipynb') if not r else []:
        to = html/o.relative_to(src).with_suffix('.html.md')
        to.write_text('\n\n'.join(as_text(json.loads(o.read_text(encoding='utf-8')))) + '\n', encoding='utf-8')
    if not r: print(f'The website is in {html.relative_to(root)}/index.html')
    return r

if __name__=='__main__': sys.exit(build())
