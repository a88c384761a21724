"""Layers that write to themselves, in every way that we could think of

Each way is a function of a layer and what comes into it, called in the middle of its forward. `writer(names)` makes a layer that
does some of them; `network(names)` a network with convolutions around it; `describe(o)` tells all that can be reached from it."""
import random,types
from collections import Counter,OrderedDict,defaultdict,deque
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrize
from torch.utils.hooks import RemovableHandle

class Box:
    "A plain object"
    shared = 0
    def __init__(self): self.n,self.kept = 0,[]

class Slots:
    __slots__ = ('n','kept','more')
    def __init__(self): self.n,self.kept = 0,[]

class Table(dict): pass
class Twice(nn.Module):
    def forward(self, w): return 2*w

ways = {}
def way(f):
    ways[f.__name__] = f
    return f

# attributes and containers
@way
def counts(m, x): m.count += 1
@way
def adds_an_attribute(m, x): m.fresh = x
@way
def drops_an_attribute(m, x): m.__dict__.pop('spare', None)
@way
def reorders_attributes(m, x): m.__dict__['count'] = m.__dict__.pop('count')
@way
def appends(m, x): m.log.append(x)
@way
def replaces_a_member(m, x): m.log[0] = 'other'
@way
def nests(m, x): m.deep['a'][1].append({'b':x}); m.deep['a'][0].add(len(m.deep['a'][1]))
@way
def keeps_the_last(m, x): m.last.append(x.shape)
@way
def tallies(m, x): m.tally['calls'] += 1
@way
def fills_a_default(m, x): m.default[x.ndim].append(1)
@way
def moves_to_the_end(m, x): m.ordered.move_to_end('a')
@way
def writes_bytes(m, x): m.raw.extend(b'x')
@way
def writes_in_a_tuple(m, x): m.pair[0].append(1)
@way
def caches_in_a_dict_of_its_own(m, x): m.table[x.shape] = x; m.table.note = 'full'
# objects
@way
def writes_to_an_object(m, x): m.box.n += 1; m.box.kept.append(x); m.box.new = x
@way
def writes_to_slots(m, x): m.slots.n += 1; m.slots.kept.append(1); m.slots.more = x
@way
def writes_to_a_namespace(m, x): m.space.n += 1
@way
def writes_to_a_class(m, x): type(m).calls += 1; type(m).seen.append(1); Box.shared += 1; type(m).made = 1
@way
def changes_the_class_of_a_part(m, x): m.part.__class__ = nn.Identity
@way
def replaces_its_forward(m, x): m.part.forward = lambda x: x
# tensors
@way
def writes_to_a_tensor(m, x): m.state.add_(1); m.made = m.state*2
@way
def keeps_an_activation(m, x): m.kept = m.lin(x.new_ones(1,4))
@way
def writes_a_graph_into_a_tensor(m, x):
    with torch.enable_grad(): m.state.add_(m.lin.weight.sum())
@way
def writes_to_an_array(m, x): m.array += 1
@way
def writes_to_a_buffer(m, x): m.buf.mul_(2)
@way
def replaces_a_buffer(m, x): m.buf = m.buf+1
@way
def registers_a_buffer(m, x): m.register_buffer('late', torch.ones(2), persistent=False)
@way
def removes_a_buffer(m, x): m._buffers.pop('spare_buf', None)
@way
def makes_a_buffer_persistent(m, x): m._non_persistent_buffers_set.clear()
@way
def writes_to_a_parameter(m, x):
    with torch.no_grad(): m.lin.weight.mul_(.5)
@way
def writes_to_data(m, x): m.big.weight.data.clamp_(-.01, .01)
@way
def writes_by_numpy(m, x): m.lin.bias.detach().numpy()[:] = 3
@way
def renews_data(m, x): m.big.weight.data = m.big.weight.data*2
@way
def changes_the_dtype(m, x): m.lin.weight.data = m.lin.weight.data.double()
@way
def writes_out(m, x): torch.add(m.big.weight.data, 1, out=m.big.weight.data)
@way
def writes_to_several(m, x): torch._foreach_mul_([m.big.weight.data, m.lin.weight.data], 2)
@way
def renormalises_an_embedding(m, x): F.embedding(torch.arange(3), m.big.weight.detach(), max_norm=.1)
@way
def replaces_a_parameter(m, x): m.lin.weight = nn.Parameter(torch.ones(4,4))
@way
def registers_a_parameter(m, x): m.register_parameter('late_p', nn.Parameter(torch.ones(2)))
@way
def removes_a_parameter(m, x): m.lin.register_parameter('bias', None)
@way
def freezes(m, x): m.lin.weight.requires_grad_(False)
@way
def sets_a_gradient(m, x): m.lin.weight.grad = torch.ones(4,4)
@way
def writes_to_a_gradient(m, x):
    if m.lin.bias.grad is not None: m.lin.bias.grad.zero_()
@way
def puts_a_note_on_a_parameter(m, x): m.lin.weight.note = x
# modules
@way
def adds_a_layer(m, x): m.late_layer = nn.Linear(2,2)
@way
def adds_a_layer_once(m, x):
    if not hasattr(m, 'once'): m.once = nn.Linear(3,3)
@way
def replaces_a_layer(m, x): m.part = nn.ReLU()
@way
def removes_a_layer(m, x): m._modules.pop('spare_layer', None)
@way
def grows_a_list(m, x): m.layers.append(nn.ReLU()); m.layers[0] = nn.Tanh()
@way
def grows_a_dict(m, x): m.by_name['b'] = nn.ReLU()
@way
def changes_modes(m, x): m.part.train(not m.part.training); m.training = not m.training
@way
def runs_a_norm_in_training(m, x): m.norm.train(); m.norm(torch.rand(4,4))
@way
def writes_to_a_hidden_layer(m, x): m.hidden[0].weight.data.add_(1); m.hidden[0].extra = 1
@way
def parametrizes(m, x):
    if not parametrize.is_parametrized(m.lin): parametrize.register_parametrization(m.lin, 'weight', Twice())
@way
def asks_a_spectral_norm(m, x): m.spectral.train(); m.spectral.weight
# hooks
@way
def hooks_once(m, x):
    if m.ready: return
    m.part.register_forward_hook(lambda *a: m.log.append('hook'))
    m.ready = True
@way
def hooks_itself(m, x): m.register_forward_hook(lambda m,i,o: o*2, always_call=True)
@way
def hooks_before(m, x): m.part.register_forward_pre_hook(lambda m,a,k: None, with_kwargs=True, prepend=True)
@way
def hooks_with_names(m, x): m.part.register_forward_hook(lambda m,a,k,o: None, with_kwargs=True)
@way
def hooks_backward(m, x): m.lin.register_full_backward_hook(lambda *a: None); m.lin.register_full_backward_pre_hook(lambda *a: None)
@way
def hooks_states(m, x): m.register_state_dict_post_hook(lambda *a: None); m.register_load_state_dict_pre_hook(lambda *a: None); m.register_state_dict_pre_hook(lambda *a: None); m.register_load_state_dict_post_hook(lambda *a: None)
@way
def removes_a_hook(m, x): m.handle.remove()
@way
def hooks_the_world(m, x): nn.modules.module.register_module_forward_hook(lambda *a: None)
# dice and the process
@way
def throws_dice(m, x): random.random(); np.random.rand(); torch.rand(2)
@way
def throws_its_own_dice(m, x): torch.rand(2, generator=m.dice[0]); m.dice[1].random(); m.dice[2].random(); m.dice[3].rand()
@way
def sets_modes_of_torch(m, x): torch.set_grad_enabled(not torch.is_grad_enabled()); torch.set_default_dtype(torch.float64)
@way
def seeds(m, x): torch.manual_seed(3); random.seed(3); np.random.seed(3)

class Writer(nn.Module):
    "A layer from (n, 4, …) to the same, which does what its ways say"
    calls,seen = 0,[]
    def __init__(self, names):
        super().__init__()
        self.ways,self.count,self.spare,self.ready = tuple(names),0,'spare',False
        self.log,self.deep,self.last,self.tally = ['first'],{'a':[{0},[]]},deque(maxlen=2),Counter()
        self.default,self.ordered,self.raw,self.pair = defaultdict(list),OrderedDict(a=1, b=2),bytearray(b'ab'),([],2)
        self.table,self.box,self.slots,self.space = Table(),Box(),Slots(),types.SimpleNamespace(n=0)
        self.state,self.array = torch.zeros(3),np.zeros(3)
        self.dice = [torch.Generator().manual_seed(1), random.Random(1), np.random.default_rng(1), np.random.RandomState(1)]
        self.register_buffer('buf', torch.ones(3)); self.register_buffer('spare_buf', torch.ones(3), persistent=False)
        self.lin,self.big,self.norm = nn.Linear(4,4),nn.Linear(150,150),nn.BatchNorm1d(4)
        self.part,self.spare_layer,self.layers,self.by_name = nn.Dropout(.5),nn.ReLU(),nn.ModuleList([nn.ReLU(),nn.Tanh()]),nn.ModuleDict({'a':nn.ReLU()})
        self.hidden,self.spectral = (nn.Linear(2,2),),nn.utils.parametrizations.spectral_norm(nn.Linear(4,4))
        self.handle = self.part.register_forward_hook(lambda *a: None)
        self.lin.bias.grad = torch.ones(4)
    def forward(self, x):
        for n in self.ways: ways[n](self, x)
        return x*self.count if self.count else x

def network(names, seed=0):
    "The same network for the same seed"
    torch.manual_seed(seed)
    half = len(names)//2
    m = nn.Sequential(nn.Conv2d(2,4,3), Writer(names[:half]), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4,4,1), Writer(names[half:]), nn.ReLU(), nn.Flatten(), nn.Linear(16,3))
    m[5].train(not seed%2)
    return m

def world():
    "What belongs to the process"
    hooks = {k:list(v) for k,v in vars(nn.modules.module).items() if k.startswith('_global') and isinstance(v, dict)}
    return repr((random.getstate(), np.random.get_state()[1].tolist(), np.random.get_state()[2], torch.get_rng_state().tolist(), torch.is_grad_enabled(), torch.get_default_dtype(),
                 torch.backends.mkldnn.enabled, torch.backends.mha.get_fastpath_enabled(), torch.backends.cuda.mem_efficient_sdp_enabled(), torch.is_autocast_enabled('cpu'), hooks))

def _numbers(t): return (str(t.dtype), tuple(t.shape), t.detach().cpu().reshape(-1).numpy().tobytes())

def describe(o, identity=True):
    "All that can be reached from `o`, as text: `identity` tells apart what only looks the same"
    seen,lines = {},[]
    def name(o):
        if id(o) not in seen: seen[id(o)] = len(seen),o   # the object lives on, and nobody takes its place
        return f'@{id(o)}' if identity else f'#{seen[id(o)][0]}'
    def look(path, o):
        known = id(o) in seen
        if o is None or isinstance(o, (bool,int,float,str,bytes,torch.dtype,torch.device,type(Ellipsis))): lines.append((path, repr(o))); return
        if isinstance(o, type): lines.append((path, o.__qualname__)); return
        if callable(o) and not isinstance(o, nn.Module): lines.append((path, f'function {name(o) if identity else ""}')); return
        lines.append((path, type(o).__qualname__, name(o)))
        if known: return
        if isinstance(o, torch.Tensor):
            lines.append((path, _numbers(o), o.requires_grad, o.is_leaf, o.data_ptr() if identity else 0))
            if o.is_leaf: look(path+'.grad', o.grad)
        elif isinstance(o, torch.Generator): lines.append((path, o.get_state().tolist()))
        elif isinstance(o, random.Random): lines.append((path, repr(o.getstate())))
        elif isinstance(o, np.random.Generator): lines.append((path, repr(o.bit_generator.state)))
        elif isinstance(o, np.random.RandomState): lines.append((path, repr(o.get_state()[1].tolist()), o.get_state()[2]))
        elif isinstance(o, np.ndarray): lines.append((path, o.tobytes()))
        elif isinstance(o, (bytearray,set,frozenset)): lines.append((path, repr(o)))
        elif isinstance(o, dict):
            for i,(k,v) in enumerate(o.items()): look(f'{path}[{i}:{k if isinstance(k, (str,int)) and (identity or "hook" not in path) else type(k).__name__}]', v)
        elif isinstance(o, (list,tuple,deque)):
            for i,v in enumerate(o): look(f'{path}[{i}]', v)
        for slot in getattr(type(o), '__slots__', ()) if type(o).__module__==__name__ else (): look(f'{path}.{slot}', getattr(o, slot, '(unset)'))
        d = getattr(o, '__dict__', None)
        numbered = isinstance(o, RemovableHandle) and not identity   # hooks are numbered throughout the process
        if d and not numbered: look(f'{path}.__dict__', d)
    look('', o)
    for cls in (Writer, Box):
        for k,v in vars(cls).items():
            if k[:2]!='__': look(f'{cls.__name__}.{k}', v)
    return lines
