"Looking at a model leaves no trace, whatever the model does to itself, in any order of calls"
import warnings
from copy import deepcopy
import pytest,torch
from hypothesis import given,settings,strategies as st,HealthCheck
from torch import nn
from fasterprune.base.run import evaluating,run
from fasterprune.channels.graph import channel_graph
from fasterprune.shrink.pruner import Pruner
from fasterprune.shrink.cost import count_macs, milliseconds
from fasterprune.shrink.shrink import shrink
from fasterprune.masks.sparsifier import Sparsifier
from self_writers import Box,Writer,describe,network,ways,world

def _plain_call(m, x):
    with evaluating(m): run(m, x)

looks = dict(call=_plain_call, graph=channel_graph, shrink=shrink, plan=lambda m,x: Pruner(m, x).plan(50), macs=count_macs, ms=milliseconds,
             sparsifier=lambda m,x: Sparsifier(m, 'filter', xb=x), groups=lambda m,x: Sparsifier(m, 'group', xb=x))

def look(name, m, x):
    "A model that writes to itself may be refused; it must not be changed"
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try: looks[name](m, x)
        except Exception: return False
    return True

@pytest.fixture(autouse=True)
def same_classes():
    "What the layers write to their classes ends with the test"
    yield
    reset_classes()

def reset_classes():
    Writer.calls,Box.shared = 0,0
    Writer.seen.clear()
    if 'made' in vars(Writer): del Writer.made
    for d in vars(nn.modules.module).values():
        if isinstance(d, dict) and d and all(callable(f) and getattr(f, '__module__', '')=='self_writers' for f in d.values()): d.clear()

def differences(a, b): return [(x,y) for x,y in zip(a,b) if x!=y][:3] or (len(a),len(b))

def behaviour(m, x):
    "What two real calls give, and what they leave behind; afterwards the world is as it was"
    grad,dtype = torch.is_grad_enabled(),torch.get_default_dtype()
    torch.manual_seed(5)
    try:
        outs = []
        for _ in range(2):
            try: outs.append(m(x).detach().double())
            except Exception as e: outs.append(f'{type(e).__name__}: {e}')
        return outs,describe(m, identity=False)
    finally:
        torch.set_grad_enabled(grad); torch.set_default_dtype(dtype)
        reset_classes()

def check(names, calls, seed):
    m,twin,x = network(names, seed),network(names, seed),torch.randn(2,2,4,4)
    before,of_world = describe(m),world()
    given = x.clone()
    for c in calls:
        look(c, m, x)
        assert world()==of_world, (c,names)
        now = describe(m)
        assert now==before, (c,names,differences(before, now))
    assert torch.equal(x, given)
    (outs,left),(want,should) = behaviour(m, x),behaviour(twin, x)
    for a,b in zip(outs, want): assert a==b if isinstance(a, str) or isinstance(b, str) else torch.equal(a, b), (names,a,b)
    assert left==should, (names,differences(should, left))

@pytest.mark.parametrize('name', ways)
def test_each_way_of_writing_is_undone(name): check([name,name], list(looks), 0)

@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(sorted(ways)), min_size=1, max_size=8), st.lists(st.sampled_from(sorted(looks)), min_size=1, max_size=4), st.integers(0, 5))
def test_whatever_it_writes_in_any_order_of_calls(names, calls, seed): check(names, calls, seed)

def test_the_ways_do_write():
    "The test above sees what each way writes: without the context the model is another one"
    for name in ways:
        m,x = network([name,name]),torch.randn(2,2,4,4)
        before,of_world = describe(m),world()
        grad,dtype = torch.is_grad_enabled(),torch.get_default_dtype()
        with torch.no_grad():
            try: m.eval()[1](x); m[5](x)
            except Exception: pass
        changed = describe(m)!=before or world()!=of_world
        torch.set_grad_enabled(grad); torch.set_default_dtype(dtype)
        reset_classes()
        assert changed, name

@pytest.mark.parametrize('stop', [ValueError('so'), KeyboardInterrupt(), SystemExit(3)])
def test_a_run_that_ends_in_the_middle_is_undone(stop):
    names = [n for n in ways if n not in ('replaces_its_forward',)]
    for c in looks:
        m,x = network(names[::-1]),torch.randn(2,2,4,4)
        def halt(*a): raise stop
        m[6].register_forward_hook(halt)
        before,of_world = describe(m),world()
        try: looks[c](m, x)
        except BaseException as e: assert e is stop or isinstance(e, (ValueError,TypeError,RuntimeError)), (c,e)
        assert describe(m)==before, (c,differences(before, describe(m)))
        assert world()==of_world, c
