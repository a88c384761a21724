"""Is every rule of the graph tested? Each is broken in turn, and a test has to fail.

    python dev/mutate.py [part of a rule's name]

A rule is broken in three ways: it keeps everything, it forgets that what comes out is what went in, and it lets nothing be
kept, united or summed over while it runs."""
import contextlib,functools,importlib,inspect,io,os,sys,warnings
from pathlib import Path

root = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(root), str(root/'tests')]
os.chdir(root)

from torch import Tensor
from dev.house import exported

# Modules whose tests have to notice, and the tests that notice most and so come first
tested = ('graph', 'shrink')
by_hand = ('test_channels_rules',)
quick = ('test_every_rule_by_a_small_network', 'test_what_goes_together', 'test_the_network_without_them_is_the_same', 'test_random_networks_keep_their_outputs',
         'test_what_is_coupled_goes_together_or_not_at_all')

def modules(names):
    "Full names, without the package's, of the modules whose last name is one of `names`"
    return [o for o in exported().values() if o.split('.')[-1] in names]

def home(name):
    "The module that defines `name`"
    for mod in exported().values():
        m = importlib.import_module(f'fasterprune.{mod}')
        if getattr(getattr(m, name, None), '__module__', None)==m.__name__: return m
    raise LookupError(f'no module defines {name!r}')

Dim,Atoms,Trace = [getattr(home(o), o) for o in ('Dim', 'Atoms', 'Trace')]
keep_all,tensors_of = [getattr(home(o), o) for o in ('keep_all', 'tensors_of')]
operations = home('Operation').operations   # each operation -> what is known of it, its `rule` among other things
importlib.import_module(home('channel_graph').__name__)   # which registers the rules

def keeps(f): return lambda g,out,*a,**k: keep_all(g, out, *a, **k)

def _fresh(g, out):
    "Labels of `out` that say nothing of where it comes from; None for what is no tensor"
    if isinstance(out, (tuple,list)): return [_fresh(g, o) for o in out]
    if not isinstance(out, Tensor): return None
    return [Dim(g.at.new(n)) if n<=1<<14 else None for n in out.shape]

def forgets(f):
    def broken(g, out, *a, **k):
        f(g, out, *a, **k)
        return _fresh(g, out)
    return broken

@contextlib.contextmanager
def deaf(g, out):
    "What rules say about atoms has no effect, not even later, when somebody asks"
    said = [(Atoms,'freeze'), (Atoms,'pair'),
            (Trace,'contract'), (Trace,'lossy'), (Trace,'alive_in')]
    old = {(cls,name):getattr(cls, name) for cls,name in [*said, (Atoms,'unite')]}
    for cls,name in said: setattr(cls, name, lambda *a,**k: None)
    Atoms.unite = lambda self,a,b,why='': b if a is None else a
    try: yield
    finally:
        for o in tensors_of(out): g.later.pop(o, None)
        for (cls,name),method in old.items(): setattr(cls, name, method)

def says_nothing(f):
    def broken(g, out, *a, **k):
        with deaf(g, out): return f(g, out, *a, **k)
    return broken

speaking = ('.at', 'contract', 'lossy', 'alive_in', 'freeze', 'unite', 'pointwise', 'keep_all')

def _helpers(f, seen=()):
    "The functions of its own module that a rule calls, and those that they call"
    names = [n for n in f.__code__.co_names if n not in seen]
    found = [f.__globals__.get(n) for n in names]
    own = [o for o in found if inspect.isfunction(o) and o.__module__==f.__module__]
    return own+[h for o in own for h in _helpers(o, {*seen,*names})]

def only_moves(f):
    "Does the rule only move labels? Then there is nothing that it could fail to say"
    src = ''.join(inspect.getsource(o) for o in (f,*_helpers(f)))
    return not any(word in src.replace('.at.new(', '') for word in speaking)

def same_by_another_name(f, how):
    "Is `f`, broken in this way, what it was?"
    if how is says_nothing and only_moves(f): return True
    return (f.__name__,how) in (('_data',keeps), ('_made',forgets), ('_zeros',forgets), ('_equal',forgets), ('_sparse',keeps), ('_fake_quantized',says_nothing))

def failure(tests):
    "What the first test that fails says, or None"
    for t in tests:
        try:
            with contextlib.redirect_stdout(io.StringIO()): t()
        except BaseException as e: return f'{t.__name__}: {type(e).__name__} {str(e)[:60]}'

def each(f):
    "A test for each value that pytest would give it"
    marks = [m for m in getattr(f, 'pytestmark', ()) if m.name=='parametrize']
    if not marks: return [f]
    return [functools.update_wrapper(functools.partial(f, value), f) for value in marks[0].args[1]]

def all_tests():
    "The tests of the modules `tested`, the quick ones first"
    names = ['test_'+o.replace('.', '_') for o in modules(tested)]
    found = [f for o in (*names,*by_hand) for n,f in vars(importlib.import_module(o)).items() if n.startswith('test_')]
    own = [f for f in found if getattr(f, '__module__', '').startswith('test_')]
    return sorted([o for f in own for o in each(f)], key=lambda f: quick.index(f.__name__) if f.__name__ in quick else len(quick))

def survives(f, how, tests):
    "Break rule `f` for a moment, print which test fails, and say whether none did"
    whole = {op:known for op,known in operations.items() if known.rule is f}
    for op,known in whole.items(): operations[op] = known._replace(rule=how(f))
    try: bad = failure(tests)
    finally: operations.update(whole)
    print(f"{f.__name__:<16} {how.__name__:<13} {bad or 'NO TEST FAILS'}", flush=True)
    return not bad

def main(part=''):
    "Number of mutants that no test notices"
    warnings.simplefilter('ignore')
    tests = all_tests()
    chosen = [f for f in dict.fromkeys(known.rule for known in operations.values()) if part in f.__name__]
    mutants = [(f,how) for f in chosen for how in (keeps,forgets,says_nothing) if not same_by_another_name(f, how)]
    return sum([survives(f, how, tests) for f,how in mutants])

if __name__=='__main__': sys.exit(main(*sys.argv[1:])>0)
