"The repository itself: what is generated is up to date, the notebooks are in order, the links of the texts resolve"
import ast,importlib,json,re,subprocess,sys
from configparser import ConfigParser
from pathlib import Path
import pytest
pytest.importorskip('nbdev', reason='the notebooks are only read where nbdev is (extra `docs`)')
from dev.export import drift,stale
from dev.house import exported,exports_of,folder,folders,for_users,is_index,notebooks,said,section,sections

root = Path(__file__).resolve().parent.parent
lib = 'fasterprune'

@pytest.fixture(autouse=True)
def at_root(monkeypatch): monkeypatch.chdir(root)

def name(nb): return nb.relative_to(root/'nbs').as_posix()

def all_cells(nb): return json.loads(nb.read_text(encoding='utf-8'))['cells']

def trees(nb, only=''):
    "Parsed code cells of a notebook whose directives match `only`; cells with magics are left out"
    for c in all_cells(nb):
        src = ''.join(c['source'])
        if c['cell_type']!='code' or (only and not re.search(rf'^#\|\s*({only})\b', src, flags=re.M)): continue
        try: yield ast.parse(src)
        except SyntaxError: pass

exporting = 'exporti?|exports'

def imports(tree):
    "Pairs of what `tree` imports: the full name of a module, and the names taken from it (none for `import module`)"
    for o in ast.walk(tree):
        if isinstance(o, ast.Import): yield from ((a.name, []) for a in o.names)
        elif isinstance(o, ast.ImportFrom) and o.module: yield o.module, [a.name for a in o.names]

def imported_modules(nb, only=''):
    "Full names of the modules that a notebook imports, be it as `import a.b` or as `from a import b`"
    for t in trees(nb, only):
        for mod,names in imports(t):
            yield mod
            if mod.split('.')[0]==lib: yield from (f'{mod}.{n}' for n in names)

def ours(mod):
    "Name of one of our modules without the package's, or None"
    short = mod.removeprefix(f'{lib}.')
    return short if short in exported().values() else None

def test_no_drift():
    d = drift()
    assert not d, f'{d}\nGenerated files differ from the notebooks and settings.ini: run `make export`.'

def test_nothing_stale(): assert not list(stale(root))

def test_one_notebook_a_module():
    mods = list(exported().values())
    assert len(mods)==len(set(mods)), mods

def test_notebooks_have_title_and_subtitle():
    for nb in notebooks():
        c = all_cells(nb)[0]
        assert c['cell_type']=='markdown' and re.match(r'# \S.*\n+> \S', ''.join(c['source'])), name(nb)

def test_modules_are_named_by_their_place():
    "nbs/shrink/02_trial.ipynb exports fasterprune.shrink.trial"
    for nb,mod in exported().items():
        assert mod.rpartition('.')[0]==folder(nb), f'{name(nb)} exports {mod}'
        if folder(nb): assert re.fullmatch(rf"\d\d_{mod.split('.')[-1]}", nb.stem), f'{name(nb)} exports {mod}'

def test_folders_have_a_first_page():
    """Markdown only: a cell with title and one line, and others that link each room

    A list in the first cell would be read by nbdev as settings."""
    for where in sorted({folder(nb) for nb in notebooks()} & set(folders)):
        page = root/'nbs'/where/'index.ipynb'
        assert page.exists(), f'nbs/{where} has no index.ipynb, whose line below the title says what is inside'
        assert {c['cell_type'] for c in all_cells(page)}=={'markdown'}, name(page)
        title,*rest = [''.join(c['source']) for c in all_cells(page)]
        assert not re.search(r'^- ', title, flags=re.M), f'{name(page)}: the list belongs into a second cell'
        txt = '\n'.join(rest)
        for nb in notebooks():
            if folder(nb)==where and nb!=page: assert f']({nb.name})' in txt, f'{name(page)} does not link {nb.name}'

def test_folders_say_what_is_inside():
    for where in sorted({folder(nb) for nb in exported()} - {''}):
        first = ''.join(all_cells(root/'nbs'/where/'index.ipynb')[0]['source'])
        tree = ast.parse((root/lib/where/'__init__.py').read_text(encoding='utf-8'))
        assert len(tree.body)==1, f'{lib}.{where} has more than its docstring'
        assert f'> {ast.get_docstring(tree).splitlines()[0]}' in first.splitlines()

def test_imports_go_down():
    "To lower numbers of the same folder, and to the folders before it"
    order = {m:i for i,m in enumerate(exported().values())}
    for nb,mod in exported().items():
        for o in imported_modules(nb):
            assert o!=f'{lib}.all', f'{name(nb)} imports {lib}.all, which needs it'
            if ours(o): assert order[ours(o)]<=order[mod], f'{name(nb)} ({mod}) imports {o}, which comes later'

def imports_past_all():
    "`(notebook, module, name)` of each import of what a module does not offer; its own notebook may"
    for nb in notebooks():
        for t in trees(nb):
            for mod,names in imports(t):
                mod = ours(mod)
                if not mod or mod==exported().get(nb): continue
                offered = {*exports_of(mod), '*'}
                yield from ((name(nb), mod, n) for n in names if n not in offered)

def test_imports_stay_within_all():
    new = list(imports_past_all())
    assert not new, '\n'.join(['Export these names, or do without them:', *(f'{nb}: {mod}.{n}' for nb,mod,n in new)])

def source(path):
    "The Python of a script or notebook; lines with magics are left out"
    if path.suffix=='.py': return path.read_text(encoding='utf-8')
    cells = (''.join(c['source']) for c in all_cells(path) if c['cell_type']=='code')
    return '\n'.join(l for c in cells for l in c.splitlines() if l[:1] not in ('%', '!'))

def test_whoever_imports_us_finds_it():
    "Benchmarks, build scripts, tests by hand and tutorials, which no other test may run"
    scripts = [o for d in ('benchmarks', 'dev', 'tests') for o in (root/d).rglob('*.py')]
    for path in [*scripts, *notebooks()]:
        for mod,names in imports(ast.parse(source(path))):
            if mod.split('.')[0]!=lib: continue
            found = importlib.import_module(mod)
            for n in names:
                if n!='*' and not hasattr(found, n): importlib.import_module(f'{mod}.{n}')

def test_each_module_can_be_imported_alone():
    "In any order: nobody counts on what another has imported"
    code = f"""import importlib,sys
for mod in {list(exported().values())}:
    for o in [o for o in sys.modules if o.split('.')[0]=='{lib}']: del sys.modules[o]
    importlib.import_module('{lib}.'+mod)"""
    r = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert r.returncode==0, r.stderr

def test_demo_runs_in_a_fresh_process(tmp_path):
    "What tests of one process import, such as methods that fastai adds to its Learner, is not there"
    cmd = [sys.executable, '-m', f'{lib}.demo', '--epochs', '1', '--path', tmp_path/'kernels.png']
    r = subprocess.run(cmd, capture_output=True, text=True)
    assert r.returncode==0 and (tmp_path/'kernels.png').exists(), r.stderr

# Private attributes that are used outside of the notebook that defines them. The list only gets shorter
borrowed = set()

theirs = {'_qkv_same_embed_dim'}   # torch's, which more than one notebook reads or sets

def private_attributes():
    "`{name: modules}` of the attributes and methods with one underscore that the notebooks define"
    found = {}
    for nb,mod in exported().items():
        for t in trees(nb, exporting):
            for o in ast.walk(t):
                n = getattr(o, 'name', '') if isinstance(o, ast.FunctionDef) else ''
                if isinstance(o, ast.Attribute) and isinstance(o.ctx, ast.Store): n = o.attr
                if re.match('_[a-z]', n) and n not in theirs: found.setdefault(n, set()).add(mod)
    return found

def borrowed_attributes():
    "`(module, name)` of each private attribute that is read where it is not defined"
    private = private_attributes()
    for nb,mod in exported().items():
        for t in trees(nb, exporting):
            for o in ast.walk(t):
                if isinstance(o, ast.Attribute) and mod not in private.get(o.attr, {mod}): yield mod,o.attr

def test_nobody_borrows_private_attributes():
    private = private_attributes()
    new = sorted({o for o in borrowed_attributes() if o[1] not in borrowed})
    assert not new, '\n'.join(f'{mod} uses {n}, which is private to {sorted(private[n])}' for mod,n in new)
    assert not borrowed-{n for _,n in borrowed_attributes()}, 'nobody needs these any more'

# Packages that a module imports at its top although only an extra installs them. The list only gets shorter
heavy_at_top = {'sklearn'}

def required():
    "Names of the packages that can be imported wherever fasterprune is installed"
    ini = ConfigParser(interpolation=None)
    ini.read(root/'settings.ini')
    return {re.match(r'[\w-]+', o)[0].replace('-', '_') for o in ini['DEFAULT']['requirements'].split()}

def packages(tree): return {mod.split('.')[0] for mod,_ in imports(tree)}

def test_modules_import_nothing_heavy():
    "At the top only what is always installed; torchvision and the like only in the functions of `base.data`"
    light = {lib, *sys.stdlib_module_names, *required(), *heavy_at_top}
    for nb,mod in exported().items():
        never = {'IPython', 'nbdev'} if mod=='base.data' else {'IPython', 'nbdev', 'torchvision', 'timm', 'transformers'}
        for t in trees(nb, exporting):
            assert not packages(t) & never, f'{name(nb)} imports {packages(t) & never}'
            top = ast.Module([o for o in t.body if isinstance(o, (ast.Import, ast.ImportFrom))], [])
            assert packages(top)<=light, f'{name(nb)} imports {packages(top)-light} at the top, and not in a function'

def test_only_train_imports_fastai():
    "And of fastai only what does not import torchvision"
    for nb,mod in exported().items():
        for o in imported_modules(nb, exporting):
            if o.split('.')[0]!='fastai': continue
            assert folder(nb) in ('train', 'study', ''), f'{name(nb)} lies below train and imports {o}'
            assert re.match(r'fastai\.(basics|callback|learner|optimizer)\b', o), f'{name(nb)}: {o}'

def test_packages_import_no_torch():
    packages = [lib, *(f'{lib}.{o.parent.name}' for o in (root/lib).glob('*/__init__.py'))]
    code = f"import sys, {', '.join(packages)}; sys.exit(int('torch' in sys.modules))"
    assert subprocess.run([sys.executable, '-c', code]).returncode==0

def test_names_for_users_are_attributes_of_the_package():
    "They complete with the tab key, and each imports its own module alone: no fastai for a `Sparsifier`"
    package = importlib.import_module(lib)
    every = importlib.import_module(f'{lib}.all')
    for n in set(every.__all__)-set(folders): assert getattr(package, n) is getattr(every, n) and n in dir(package), n
    with pytest.raises(AttributeError, match='Sparsifer'): package.Sparsifer
    code = f"import sys, {lib}; {lib}.Sparsifier; {lib}.Pruner; sys.exit(int('fastai.basics' in sys.modules))"
    assert subprocess.run([sys.executable, '-c', code]).returncode==0

def test_types_are_announced():
    "Editors read the annotations of a package that says that it has some"
    assert (root/lib/'py.typed').exists()
    assert 'py.typed' in (root/'pyproject.toml').read_text(encoding='utf-8')

def test_library_imports_no_torchvision():
    code = f"import sys, {lib}.all; sys.exit(' '.join({{'torchvision','timm','transformers'}} & set(sys.modules)) or 0)"
    r = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert r.returncode==0, r.stderr

def test_all_has_what_is_for_users():
    "Names that their modules export, each of them once, and nothing else: they complete with the tab key"
    every = importlib.import_module(f'{lib}.all')
    for mod,names in for_users().items(): assert set(names)<=set(exports_of(mod)), mod
    names = sorted(n for ns in for_users().values() for n in ns)
    assert names==sorted(set(names)), 'a name is for users in two modules'
    assert names==sorted(every.__all__)
    assert names==[o for o in dir(every) if o[0]!='_']

@pytest.mark.parametrize('other', ['torch', 'torch.nn', 'torch.nn.functional', 'fastai.basics', 'fastai.callback.all',
                                   'fastai.vision.all', 'builtins'])
def test_all_shadows_nothing(other):
    "A name for users is nobody else's: `from fasterprune.all import *` takes nothing away"
    if other=='fastai.vision.all': pytest.importorskip('torchvision')
    theirs = importlib.import_module(other)
    for n in importlib.import_module(f'{lib}.all').__all__: assert not hasattr(theirs, n), f'{other} has a {n}, too'

def test_all_shadows_no_module():
    names = set(importlib.import_module(f'{lib}.all').__all__)
    assert not names & set(sys.stdlib_module_names)

def test_each_page_is_in_one_section():
    for nb in notebooks():
        by_place = folder(nb)=='tutorials' or is_index(nb)
        wanted = 0 if by_place else 1
        assert len(said(nb, 'section'))==wanted, f'{name(nb)} needs {wanted} lines `#| section: …` below its `#| default_exp`'
        assert section(nb) in sections, f'{name(nb)}: {section(nb)!r} is none of {", ".join(sections)}'

def test_outputs_are_clean():
    "No errors, warnings, progress bars or memory addresses are saved in notebooks (`make outputs` refreshes them)"
    for nb in notebooks():
        for c in json.loads(nb.read_text(encoding='utf-8'))['cells']:
            for o in c.get('outputs', []):
                assert o['output_type']!='error', f"{nb.name}: {c['id']} has an error"
                assert o.get('name')!='stderr', f"{nb.name}: {c['id']} saved a warning"
                txt = json.dumps(o.get('text', '')) + json.dumps({k:v for k,v in o.get('data', {}).items() if 'image' not in k})
                assert '<progress' not in txt and '\\r' not in txt and '\\u2588' not in txt, f"{nb.name}: {c['id']} saved a progress bar"
                assert not re.search(r' at 0x[0-9a-f]{6}', txt), f"{nb.name}: {c['id']} saved an address"

def pictures(nb):
    "Source of each cell of a page that shows a picture"
    for c in all_cells(nb):
        src = ''.join(c['source'])
        if any('image/png' in o.get('data', {}) for o in c.get('outputs', [])) and not re.search(r'^#\| *(hide|test)\b', src, flags=re.M): yield src

def test_pictures_are_told_in_words():
    for nb in notebooks():
        for src in pictures(nb):
            alt = re.search(r'^#\| fig-alt: (.+)$', src, flags=re.M)
            assert alt and len(alt[1].split())>3, f'{name(nb)}: `#| fig-alt: …` should say what is seen here:\n{src[:300]}'

def luminance(color):
    "Of a colour such as `ff8800`, from 0 to 1, as WCAG has it"
    parts = [int(color[i:i+2], 16)/255 for i in (0, 2, 4)]
    linear = [o/12.92 if o<=.03928 else ((o+.055)/1.055)**2.4 for o in parts]
    return sum(w*o for w,o in zip((.2126, .7152, .0722), linear))

def contrast(a, b):
    low,high = sorted(map(luminance, (a, b)))
    return (high+.05)/(low+.05)

def test_code_can_be_read():
    "Each of its colours stands out from its background by 4.5:1, on light pages and dark ones"
    styles = pytest.importorskip('pygments.styles')
    conf = (root/'docs/conf.py').read_text(encoding='utf-8')
    assert contrast('000000', 'ffffff')==21 and 1.8<contrast('bbbbbb', 'f8f9fb')<1.9
    for style in re.search(r"^pygments_style,pygments_dark_style = '([^']+)','([^']+)'", conf, flags=re.M).groups():
        style = styles.get_style_by_name(style)
        for token,look in style:
            if look['color']: assert contrast(look['color'], style.background_color.lstrip('#'))>=4.5, (style.name,token)

@pytest.mark.parametrize('name', ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'])
def test_relative_links_resolve(name):
    txt = re.sub(r'```.*?```|`[^`\n]*`', '', (root/name).read_text(encoding='utf-8'), flags=re.S)
    for url in re.findall(r'\]\(([^)\s]+)\)', txt) + re.findall(r'src="([^"]+)"', txt):
        if not re.match(r'\w+:|#', url): assert (root/url.split('#')[0]).exists(), f'{name} links {url}'

def test_version_is_in_changelog():
    v = re.search(r'^version = (\S+)', (root/'settings.ini').read_text(), flags=re.M)[1]
    assert f'## {v}' in (root/'CHANGELOG.md').read_text()
