"""API entries of the website: `show_doc(sym)` as a Sphinx object description with a table of its docments

Sphinx then does the rest: signature, anchor, index, search, and the link to the source."""
import ast,importlib,inspect,re
from functools import lru_cache
from fastcore.docments import DocmentTbl,docstring
from nbdev.doclinks import NbdevLookup
from nbdev.processors import _show_docs
from dev.house import exported

lib = 'fasterprune'

@lru_cache(None)
def symbols():
    "`{name: full name}` of all that the notebooks export, methods as `Class.method`"
    res = {}
    for m in reversed(list(exported().values())):
        full = f'{lib}.{m}'
        for n in importlib.import_module(full).__all__:
            o = getattr(importlib.import_module(full), n)
            if not (inspect.isclass(o) or inspect.isfunction(o)) or o.__module__!=full: continue
            res[n] = f'{full}.{n}'
            if inspect.isclass(o):
                res.update({f'{n}.{k}': f'{full}.{n}.{k}' for k,v in vars(o).items() if _documentable(v)})
    return res

def _documentable(o): return inspect.isfunction(o) or isinstance(o, (property, classmethod, staticmethod))

def unwrap(o):
    "The function behind a property, class method or static method"
    if isinstance(o, property): o = o.fget
    return inspect.unwrap(getattr(o, '__func__', o))

def _default(v):
    if v is inspect._empty: return ''
    if isinstance(v, (type(lambda:0), type(len), type)): return v.__name__
    r = repr(v)
    return '...' if ' at 0x' in r or len(r)>60 else r

def signature(o):
    "Signature of `o` without annotations, which the table has, and without `self`"
    try: ps = list(inspect.signature(o).parameters.values())
    except (ValueError, TypeError): return '()'
    if ps and ps[0].name in ('self', 'cls'): ps = ps[1:]
    res,star = [],False
    for i,p in enumerate(ps):
        if p.kind==p.KEYWORD_ONLY and not star: res.append('*'); star = True
        d = _default(p.default)
        pre = {p.VAR_POSITIONAL:'*', p.VAR_KEYWORD:'**'}.get(p.kind, '')
        star = star or pre=='*'
        res.append(pre+p.name+(f'={d}' if d else ''))
        if p.kind==p.POSITIONAL_ONLY and (i+1==len(ps) or ps[i+1].kind!=p.kind): res.append('/')
    return f"({', '.join(res)})"

_tick = re.compile(r'(?<![`\[\w\\])`([^`\s]+?)(\(\))?`(?![`\]])')

_known = re.compile(r'(Learner|Callback|Recorder|Optimizer|Optimizer\w+|DataLoaders?|\w+Callback|MixUp|MixedPrecision)(\.\w+)?$')

@lru_cache(None)
def _lookup(): return NbdevLookup(strip_libs=('fastai',), incl_libs=('fastai', 'fastcore'))

def _elsewhere(n):
    "Address of the documentation of `n`, if it is fastai's; names that could be anyone's must be full"
    url = _lookup().doc(n) if _known.match(n) or n.startswith(('fastai.', 'fastcore.')) else None
    return url if url and url.startswith('http') else None

described = set()  # full names of the entries that were written

def _target(full):
    "The entry for `full`: its own, that of its class, or none"
    return next((o for o in (full, full.rpartition('.')[0]) if o in described), None)

def linkify(md):
    "Names in backticks become links: our own as roles, fastai's as URLs. Call it when all entries are described"
    syms,fence,res = symbols(),False,[]
    def f(m):
        n,call = m[1],m[2] or ''
        full = _target(n if n.startswith(lib+'.') else syms.get(n, ''))
        if full: return f'{{py:obj}}`{n}{call} <{full}>`'
        url = _elsewhere(n)
        return f'[`{n}{call}`]({url})' if url else m[0]
    for l in md.split('\n'):
        if l.lstrip().startswith('```'): fence = not fence
        res.append(l if fence or l.startswith(('    ', '::::{py:')) else _tick.sub(f, l))
    return '\n'.join(res)

def _table(o):
    "Markdown table of the parameters of `o`; types guessed from a default are left out where they say nothing"
    try: t = DocmentTbl(o)
    except (ValueError, TypeError): return ''
    for d in t.dm.values():
        if d['anno'] in (type(lambda:0), type(len), type, type(None)): d['anno'] = inspect._empty
    return t._repr_markdown_()

def describe(expr, mod, asked=True):
    "Markdown of the object that `expr` names in the module `mod`; unless `asked` for, not of methods without a docstring"
    ns = vars(importlib.import_module(mod))
    cls,_,attr = expr.rpartition('.')
    owner = eval(cls, ns) if cls else None
    obj = inspect.getattr_static(owner, attr) if inspect.isclass(owner) else eval(expr, ns)
    fn = obj if inspect.isclass(obj) else unwrap(obj)
    if inspect.isclass(owner) and not asked and not fn.__doc__: return ''
    home = owner.__module__ if inspect.isclass(owner) else mod
    kind,sig = 'function',signature(fn)
    if inspect.isclass(obj): kind = 'class'
    elif inspect.isclass(owner):
        kind = 'property' if isinstance(obj, property) else 'method'
        if kind=='property': sig = ''
    elif not callable(obj): kind,sig = 'data',''
    opts = [f':module: {home}'] + ([':classmethod:'] if isinstance(obj, classmethod) else []) \
         + ([':staticmethod:'] if isinstance(obj, staticmethod) else [])
    doc = '' if kind=='data' else docstring(obj if inspect.isclass(obj) else fn) or ''
    tbl = '' if kind in ('data', 'property') else _table(obj if inspect.isclass(obj) else fn)
    body = '\n\n'.join(o for o in (inspect.cleandoc(doc), tbl) if o)
    described.add(f'{home}.{expr}')
    return '\n'.join([f'::::{{py:{kind}}} {expr}{sig}', *opts, '', body, '::::'])

def api_cells(mod):
    "A processor that turns `show_doc` cells into descriptions"
    def f(cell):
        if cell.cell_type!='code': return
        docs = _show_docs(cell.parsed_() or [])
        if not docs: return
        if not mod: raise ValueError(f'show_doc in a notebook that exports nothing:\n{cell.source}')
        cell.cell_type = 'markdown'
        cell.source = '\n\n'.join(describe(ast.unparse(o.value.args[0]), mod, not cell.get('has_sd')) for o in docs) or None
    return f
