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
from dev.house import folder,is_index,module,notebooks,search_words,section,sections
from dev.nbtools import alt_text,cell_tags,drop_style,page_procs,png_of,png_width

src,html = root/'docs/_build/src',root/'docs/_build/html'

def page(nb):
    "Name of the page of a notebook: `tutorials/walkthrough` for nbs/tutorials/00_walkthrough.ipynb"
    return nbpath2html(nb.relative_to(get_config().nbs_path)).with_suffix('').as_posix()

def _repo_url(path):
    "Address of a file in the repository"
    cfg = get_config()
    return f'{cfg.git_url}/blob/{cfg.branch}/{path.relative_to(root).as_posix()}'

def _links(md, nb, pages):
    "Links to notebooks become links to their pages, nbdev's callouts Sphinx's notes"
    def link(m):
        url,hash,frag = m[2].partition('#')
        to = (nb.parent/url).resolve()
        if url.endswith('.ipynb') and to in pages:
            rel = os.path.relpath(pages[to], Path(pages[nb]).parent)
            return f'{m[1]}({rel}.ipynb{hash}{frag.lower()})'
        if re.match(r'\w+:', url) or not url or not to.exists(): return m[0]
        return f'{m[1]}({_repo_url(to)})'
    md = re.sub(r'^(:::+) *\{\.callout-(\w+)[^}]*\}', r'\1{\2}', md, flags=re.M)
    return re.sub(r'(\[[^\]]*\])\(([^)\s]+)\)', link, md)

def _output(o):
    "An output as MyST-NB should see it: Markdown only where there is no HTML, no styles of its own"
    d = o.get('data')
    if d:
        if 'text/html' in d: d['text/html'] = drop_style(d['text/html']); d.pop('text/markdown', None)
        o['metadata'] = {}
    return o

def _cell(c, nb, pages):
    "A processed cell as MyST-NB should see it, or None if nothing of it is left"
    if c.cell_type=='raw' or not c.source.strip(): return None
    new = dict(cell_type=c.cell_type, id=c.id, metadata={}, source=c.source)
    if c.cell_type=='markdown': return {**new, 'source':_links(c.source, nb, pages)}
    new.update(outputs=[_output(o) for o in c.outputs], execution_count=None)
    tags = cell_tags(c)
    test = (c.directives_ or {}).get('test')
    if test: tags.append('hide-input')
    if tags: new['metadata']['tags'] = tags
    if test: new['metadata']['mystnb'] = dict(code_prompt_show=f'Test: {test.strip()}', code_prompt_hide=f'Test: {test.strip()}')
    widths = [png_width(png_of(o)) for o in c.outputs if png_of(o)]
    if widths: new['metadata']['mystnb'] = dict(image=dict(width=f'{max(widths)}px', alt=alt_text(c)))
    return new

def _add_sources(cell, nb, full):
    "Links to a notebook and to its module, named `full`, below the title in its first cell"
    note = f'[notebook]({_repo_url(nb)})'
    if full: note += f" · [`{full}`]({_repo_url(root/full.replace('.', '/'))}.py)"
    title,_,rest = cell['source'].partition('\n')
    cell['source'] = f'{title}\n\n:::{{container}} source-links\n{note}\n:::\n\n{rest}'

def convert(nb, pages):
    "Notebook `nb` as MyST-NB should see it"
    full = f'{get_config().lib_path.name}.{module(nb)}' if module(nb) else None
    proc = NBProcessor(nb, procs=[add_show_docs, api_cells(full), *page_procs])
    proc.process()
    cells = [o for c in proc.nb.cells if (o := _cell(c, nb, pages))]
    _add_sources(cells[0], nb, full)
    words = search_words(nb)
    if words: cells.insert(1, _markdown('search', f"```{{index}} {', '.join(words)}\n```"))
    kernel = dict(display_name='python3', language='python', name='python3')
    meta = dict(kernelspec=kernel, language_info=dict(name='python'))
    return dict(cells=cells, metadata=meta, nbformat=4, nbformat_minor=5)

def _markdown(id, source): return dict(cell_type='markdown', id=id, metadata={}, source=source)

sidebar_ids = ('rooms', 'contents', 'search')   # cells that only sidebar and search are made of

def toctree(names, caption=''):
    "A hidden list of pages, of which Sphinx makes the sidebar"
    head = [':hidden:', f':caption: {caption}'] if caption else [':hidden:']
    return '\n'.join(['```{toctree}', *head, '', *names, '```'])

def _in_folder(nb, pages):
    "Does a page unfold below the first page of its folder?"
    return section(nb)=='how it works' and not is_index(nb) and bool(folder(nb)) and nb.parent/'index.ipynb' in pages

def sidebar(pages):
    "`{title: names of pages}` of each section, and below the first page of each folder"
    res = {title:[] for title in sections.values()}
    for nb,name in pages.items():
        if _in_folder(nb, pages): res.setdefault(pages[nb.parent/'index.ipynb'], []).append(name)
        elif name!='index': res[sections[section(nb)]].append(name)
    return {**res, 'Project':['changelog', 'contributing']}

def _add_sidebar(docs, pages):
    "Lists of pages, at the end of the README's page and of the folders' first pages"
    lists = sidebar(pages)
    lists['Start'].insert(0, 'Five-minute tour <self>')
    for title,names in lists.items():
        if title in docs: docs[title]['cells'].append(_markdown('rooms', toctree([f'/{o}' for o in names])))
    parts = [toctree(names, title) for title,names in lists.items() if title not in docs and names]
    if 'index' in docs: docs['index']['cells'].append(_markdown('contents', '\n\n'.join(parts)))

def prepare():
    "Write all sources of the website"
    shutil.rmtree(src, ignore_errors=True)
    pages = {nb:page(nb) for nb in notebooks()}
    docs = {pages[nb]:convert(nb, pages) for nb in pages}
    for d in docs.values():     # only now is it known what there is to link
        for c in d['cells']:
            if c['cell_type']=='markdown': c['source'] = linkify(c['source'])
    _add_sidebar(docs, pages)
    for name,d in docs.items():
        out = src/f'{name}.ipynb'
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(d), encoding='utf-8')
    for name in ('changelog', 'contributing'):
        here = root/f'{name.upper()}.md'
        txt = here.read_text(encoding='utf-8')
        (src/f'{name}.md').write_text(linkify(_links(txt, here, {**pages, here:name})), encoding='utf-8')

def as_text(d):
    "Markdown of a page, for readers without a browser: the address in each module's docstring, page.html.md"
    for c in d['cells']:
        if c['id'] in sidebar_ids: continue
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
    options = '-b html -W --keep-going -q -E -c docs -d docs/_build/doctrees'.split()
    failed = subprocess.run([sys.executable, '-m', 'sphinx', *options, src, html]).returncode
    if failed: return failed
    for o in src.rglob('*.ipynb'):
        to = html/o.relative_to(src).with_suffix('.html.md')
        parts = as_text(json.loads(o.read_text(encoding='utf-8')))
        to.write_text('\n\n'.join(parts) + '\n', encoding='utf-8')
    print(f'The website is in {html.relative_to(root)}/index.html')
    return 0

if __name__=='__main__': sys.exit(build())
