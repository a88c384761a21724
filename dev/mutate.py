"""Is every rule of the graph tested? Each is broken in turn, and a test has to fail.

    python dev/mutate.py [part of a rule's name]

A rule is broken in three ways: it keeps everything, it forgets that what comes out is what went in, and it lets nothing be kept,
united or summed over while it runs."""
import contextlib, io, sys, warnings
from pathlib import Path
root = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(root), str(root/'tests')]
from torch import Tensor
import fasterprune.graph as G
from fasterprune.graph import Atoms, ChannelGraph

def keeps(f): return lambda g,out,*a,**k: G._stop(g, out, *a, **k)

def forgets(f):
    def broken(g, out, *a, **k):
        f(g, out, *a, **k)
        fresh = lambda o: [G.Dim(g.at.new(n)) if n<=1<<14 else None for n in o.shape]
        return fresh(out) if isinstance(out, Tensor) else [fresh(o) if isinstance(o, Tensor) else None for o in out] if isinstance(out, (tuple,list)) else None
    return broken

def says_nothing(f):
    def broken(g, out, *a, **k):
        old = {(o,n):getattr(o, n) for o,n in ((Atoms,'freeze'),(Atoms,'pair'),(ChannelGraph,'contract'),(ChannelGraph,'lossy'),(ChannelGraph,'alive_in'))}
        unite = Atoms.unite
        Atoms.unite = lambda self,a,b,why='': a if a is not None else b
        for o,n in old: setattr(o, n, lambda *a,**k: None)
        try: return f(g, out, *a, **k)
        finally:
            for o in G.tensors_of(out): g.later.pop(o, None)   # what would be said when somebody listens
            Atoms.unite = unite
            for (o,n),v in old.items(): setattr(o, n, v)
    return broken

def silent(f):
    "Does the rule only move labels? Then there is nothing that it could fail to say"
    import inspect
    return not any(w in inspect.getsource(f).replace('g.at.new(', '') for w in ('g.at','contract','lossy','alive_in','_pointwise','_grid','_reduce','_mm(','_bmm(','_topk','_stop','freeze','unite'))

def fails(tests):
    for t in tests:
        try:
            with contextlib.redirect_stdout(io.StringIO()): t()
        except BaseException as e: return f'{t.__name__}: {type(e).__name__} {str(e)[:60]}'

def main(part=''):
    warnings.simplefilter('ignore')
    import test_graph, test_shrink
    quick = ['test_every_rule_by_a_small_network','test_random_networks_keep_their_outputs','test_what_is_coupled_goes_together_or_not_at_all']
    tests = [getattr(test_shrink, q) for q in quick]+[f for m in (test_graph,test_shrink) for n,f in vars(m).items() if n.startswith('test_') and callable(f) and f.__module__==m.__name__ and n not in quick]
    alive = 0
    for f in dict.fromkeys(G._rules.values()):
        if part not in f.__name__: continue
        ops = [o for o,r in G._rules.items() if r is f]
        for how in (keeps,forgets,says_nothing):
            if how is says_nothing and silent(f): continue
            if f.__name__ in ('_data',) and how is keeps or f.__name__=='_made' and how is forgets: continue   # the same by another name
            for o in ops: G._rules[o] = how(f)
            try: bad = fails(tests)
            finally:
                for o in ops: G._rules[o] = f
            alive += not bad
            print(f"{f.__name__:<16} {how.__name__:<13} {bad or 'NO TEST FAILS'}", flush=True)
    return alive

if __name__=='__main__': sys.exit(main(*sys.argv[1:])>0)
