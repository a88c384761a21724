"The repository itself: what is generated is up to date, the notebooks are in order, the links of the texts resolve"
import ast,json,re,subprocess,sys
from pathlib import Path
import pytest
from dev.export import drift,generated,stale
from dev.nbproc import exported,notebooks

root = Path(__file__).resolve().parent.parent
lib = 'fasterprune'

@pytest.fixture(autouse=True)
def at_root(monkeypatch): monkeypatch.chdir(root)

def cells(nb):
    "Source of the code cells of a notebook"
    return [''.join(c['source']) for c in json.loads(nb.read_text(encoding='utf-8'))['cells'] if c['cell_type']=='code']

def trees(nb, only=''):
    "Parsed code cells of a notebook whose directives match `only`; cells with magics are left out"
    for s in cells(nb):
        if only and not re.search(rf'^#\|\s*({only})\b', s, flags=re.M): continue
        try: yield ast.parse(s)
        except SyntaxError: pass

def imports(nb, only=''):
    "Full names of the modules that a notebook imports"
    for t in trees(nb, only):
        for o in ast.walk(t):
            if isinstance(o, ast.Import): yield from (a.name for a in o.names)
            elif isinstance(o, ast.ImportFrom) and o.module:
                yield o.module
                if o.module==lib: yield from (f'{lib}.{a.name}' for a in o.names)

def test_no_drift():
    d = drift()
    assert not d, f'{d}\nGenerated files differ from the notebooks and settings.ini: run `make export`.'

def test_nothing_stale(): assert not list(stale(root))

def test_one_notebook_a_module():
    mods = list(exported().values())
    assert len(mods)==len(set(mods)), mods

def test_notebooks_have_title_and_subtitle():
    for nb in notebooks():
        c = json.loads(nb.read_text(encoding='utf-8'))['cells'][0]
        assert c['cell_type']=='markdown' and re.match(r'# \S.*\n+> \S', ''.join(c['source'])), nb.name

def test_notebooks_import_only_lower_numbers():
    order = {f'{lib}.{m}':i for i,m in enumerate(exported().values())}
    for i,(nb,mod) in enumerate(exported().items()):
        for o in imports(nb):
            assert order.get(o, -1)<=i, f'{nb.name} ({mod}) imports {o}, which comes later'
            assert o!=f'{lib}.all', f'{nb.name} ({mod}) imports {lib}.all, which needs it'

def test_modules_import_nothing_heavy():
    "The library needs neither torchvision nor timm, and of fastai only what does not import them"
    for nb in exported():
        for o in imports(nb, 'exporti?|exports'):
            assert o.split('.')[0] not in ('torchvision', 'timm', 'transformers', 'IPython', 'nbdev'), f'{nb.name}: {o}'
            if o.split('.')[0]=='fastai':
                assert o.startswith(('fastai.basics', 'fastai.callback', 'fastai.learner', 'fastai.optimizer')), f'{nb.name}: {o}'
                assert nb.name>='06', f'{nb.name} comes before the callbacks and imports {o}'

def test_package_imports_no_torch():
    code = f"import sys, {lib}; sys.exit(int('torch' in sys.modules))"
    assert subprocess.run([sys.executable, '-c', code]).returncode==0

def test_library_imports_no_torchvision():
    mods = list(exported().values())
    if not mods: pytest.skip('no module yet')
    code = f"import sys, {lib}.all; sys.exit(' '.join({{'torchvision','timm'}} & set(sys.modules)) or 0)"
    r = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert r.returncode==0, r.stderr

def test_all_exports_every_module():
    txt = (root/lib/'all.py').read_text()
    for m in exported().values():
        if m!='demo': assert f'from .{m} import *' in txt

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

@pytest.mark.parametrize('name', ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'])
def test_relative_links_resolve(name):
    txt = re.sub(r'```.*?```|`[^`\n]*`', '', (root/name).read_text(encoding='utf-8'), flags=re.S)
    for url in re.findall(r'\]\(([^)\s]+)\)', txt) + re.findall(r'src="([^"]+)"', txt):
        if not re.match(r'\w+:|#', url): assert (root/url.split('#')[0]).exists(), f'{name} links {url}'

def test_version_is_in_changelog():
    v = re.search(r'^version = (\S+)', (root/'settings.ini').read_text(), flags=re.M)[1]
    assert f'## {v}' in (root/'CHANGELOG.md').read_text()
