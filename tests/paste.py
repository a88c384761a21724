"""Paste what the README and the guide's pages show into empty namespaces, in the order of the page

    python tests/paste.py [page ...]    README, or the notebooks below nbs; default: all of them

Prints what failed, and fails if anything did. Machinery is what a page exports; what a reader types is the rest that is displayed.
A cell that shows a private function at work is part of the machinery, too."""
import ast,json,os,re,sys,traceback
os.environ.setdefault('MPLBACKEND', 'agg')
os.environ.setdefault('OMP_NUM_THREADS', '1')
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

root = Path(__file__).resolve().parent.parent
not_typed = re.compile(r'^#\|\s*(export|exporti|exports|default_exp|hide|hide_input|test|notest|echo: *false)\b', flags=re.M)
fence = re.compile(r'^```python\n(.*?)^```', flags=re.M|re.S)

def fenced(markdown): return fence.findall(markdown)

def private(cells):
    "Private functions and classes that the exporting cells of a page define"
    made = [o for c in cells if re.search(r'^#\|\s*export', c, flags=re.M) for o in ast.walk(ast.parse(c))]
    return {o.name for o in made if isinstance(o, (ast.FunctionDef,ast.ClassDef)) and o.name[0]=='_'}

def uses(code, names): return any(isinstance(o, ast.Name) and o.id in names for o in ast.walk(ast.parse(code)))

def snippets(page):
    "What the file at `page` shows to be typed"
    if page.suffix=='.md': return fenced(page.read_text(encoding='utf-8'))
    cells = json.loads(page.read_text(encoding='utf-8'))['cells']
    texts = [(c['cell_type'], ''.join(c['source'])) for c in cells]
    hidden = private([s for kind,s in texts if kind=='code'])
    shown = []
    for kind,s in texts:
        if kind=='markdown': shown += fenced(s)
        elif not not_typed.search(s) and not uses(s, hidden): shown.append(s)
    return shown

def paste(page):
    "The first error of a page, as text, or None"
    space = {'__name__':page.stem}
    for code in snippets(page):
        try:
            with redirect_stdout(StringIO()): exec(compile(code, str(page), 'exec'), space)
        except Exception: return f'{code}\n{traceback.format_exc(limit=-2)}'

def is_guide(nb):
    "Is a notebook a page of the guide?"
    return bool(re.search(r'^ *"#\| section: guide', nb.read_text(encoding='utf-8'), flags=re.M))

def pages(): return [root/'README.md', *filter(is_guide, sorted((root/'nbs').rglob('*.ipynb')))]

if __name__=='__main__':
    import warnings
    warnings.simplefilter('ignore')
    try:
        import fastprogress.fastprogress as fp
        fp.NO_BAR = True
    except ImportError: pass
    chosen = [root/'nbs'/o if o.endswith('.ipynb') else root/'README.md' for o in sys.argv[1:]] or pages()
    failed = {o:error for o in chosen if (error := paste(o))}
    for page,error in failed.items(): print(f'{page.relative_to(root)}: this cannot be pasted:\n{error}\n')
    sys.exit(bool(failed))
