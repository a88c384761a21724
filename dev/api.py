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
    for mod in reversed(exported().values()):   # of two modules that export a name, the first counts
        full = f'{lib}.{mod}'
        m = importlib.import_module(full)
        for n in m.__all__:
            o = getattr(m, n)
            if not (inspect.isclass(o) or inspect.isfunction(o)) or o.__module__!=full: continue
            members = [k for k,v in vars(o).items() if _documentable(v)] if inspect.isclass(o) else []
            res.update({name:f'{full}.{name}' for name in (n, *(f'{n}.{k}' for k in members))})
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

def _look_up(expr, mod):
    "The object that `expr` names in the module `mod`, and the class that it is a member of, or None"
    names = vars(importlib.import_module(mod))
    before,_,last = expr.rpartition('.')
    owner = eval(before, names) if before else None
    if inspect.isclass(owner): return inspect.getattr_static(owner, last), owner
    return eval(expr, names), None

def _kind(obj, owner):
    "What Sphinx calls `obj`, a member of the class `owner` or of a module"
    if inspect.isclass(obj): return 'class'
    if isinstance(obj, property): return 'property'
    if owner: return 'method'
    return 'function' if callable(obj) else 'data'

def describe(expr, mod, asked=True):
    "Markdown of what `expr` names in the module `mod`; a method without a docstring must be `asked` for"
    obj,owner = _look_up(expr, mod)
    kind = _kind(obj, owner)
    code = obj if kind=='class' else unwrap(obj)
    if owner and not asked and not code.__doc__: return ''
    home = owner.__module__ if owner else mod
    options = [f':module: {home}']
    if isinstance(obj, classmethod): options.append(':classmethod:')
    if isinstance(obj, staticmethod): options.append(':staticmethod:')
    called = kind not in ('data', 'property')
    doc = '' if kind=='data' else inspect.cleandoc(docstring(code) or '')
    body = '\n\n'.join(filter(None, [doc, _table(code) if called else '']))
    described.add(f'{home}.{expr}')
    head = f"::::{{py:{kind}}} {expr}{signature(code) if called else ''}"
    return '\n'.join([head, *options, '', body, '::::'])

def api_cells(mod):
    "A processor that turns `show_doc` cells into descriptions"
    def f(cell):
        if cell.cell_type!='code': return
        docs = _show_docs(cell.parsed_() or [])
        if not docs: return
        if not mod: raise ValueError(f'show_doc in a notebook that exports nothing:\n{cell.source}')
        cell.cell_type = 'markdown'
        asked = not cell.get('has_sd')
        entries = [describe(ast.unparse(o.value.args[0]), mod, asked) for o in docs]
        cell.source = '\n\n'.join(entries) or None
    return f
