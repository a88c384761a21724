"Operations in small networks: which channels go together, and that the network without them computes the same"
import copy
import pytest, torch
from hypothesis import given, settings, strategies as st
from torch import nn
from torch.nn import functional as F
from torchvision.ops import deform_conv2d

from fasterprune.channels.graph import channel_graph
from fasterprune.shrink.plan import plan_of
from fasterprune.shrink.pruner import Pruner
from fasterprune.shrink.shrink import shrink

class Net(nn.Module):
    "A layer, what is to be tested, and a layer that reads"
    def __init__(self, f, first, last, mods):
        super().__init__()
        self.a,self.f,self.o,self.mods = first,f,last,nn.ModuleDict(mods)
    def forward(self, x):
        x = self.f(self.a(x), **self.mods)
        return self.o(x) if self.o else x

class P(nn.Module):
    "A parameter"
    def __init__(self, *shape, dtype=None): super().__init__(); self.w = nn.Parameter(torch.randn(shape, dtype=dtype))

def image(f, channels=8, after=8, **mods):
    return Net(f, nn.Conv2d(3, channels, 3, padding=1), after and nn.Conv2d(after, 3, 1), mods),torch.randn(2,3,6,6)

def volume(f, after=8, **mods):
    return Net(f, nn.Conv3d(3, 8, 1), nn.Conv3d(after, 3, 1), mods),torch.randn(2,3,4,4,4)

def tokens(f, channels=8, after=8, **mods):
    return Net(f, nn.Linear(5, channels), after and nn.Linear(after, 3), mods),torch.randn(2,6,5)

def places(h, *n): return (h.detach().sum(-1)*1000).long().abs()[(...,*[None]*len(n))].expand(*h.shape[:-1], *n)   # that depend on numbers

def order(h): return torch.arange(h.shape[1]-1, -1, -1)

def rope(h):
    z = torch.view_as_complex(h.contiguous().unflatten(-1, (2,-1,2)))
    turn = torch.polar(torch.ones(6,1,1), torch.arange(6.)[:,None,None]).to(z.dtype)
    return torch.view_as_real(z*turn).flatten(2)

def sampled(h, at):
    "Deformable attention: heads are folded into the batch of values and of places"
    b,_,height,width = h.shape
    q = h.sum(2).transpose(1,2)
    values = h.view(b*2, -1, height, width)
    where = at(q).tanh().view(b, width, 2, 2).transpose(1,2).reshape(b*2, width, 1, 2)
    return F.grid_sample(values, where, align_corners=False).view(b, -1, width, 1)

def unpooled(h, c):
    small,index = F.max_pool2d(h, 2, return_indices=True)
    return F.max_unpool2d(c(small), index, 2)

sender,receiver = torch.tensor([0,1,2,3,4,5,0,2]),torch.tensor([1,2,3,4,5,0,3,5])

def gcn(h): return torch.zeros_like(h).index_add_(1, receiver, h[:,sender].relu())

def gat(h, score):
    "Graph attention of two heads, a softmax over the messages that a node gets"
    h = h.unflatten(-1, (2,-1))
    e = F.leaky_relu(score(h).squeeze(-1)[:,sender]).exp()
    at = receiver[None,:,None].expand_as(e)
    total = h.new_zeros(h.shape[:-1]).scatter_add_(1, at, e)
    messages = h[:,sender]*(e/total.gather(1, at)).unsqueeze(-1)
    return torch.zeros_like(h).index_add_(1, receiver, messages).flatten(2)

def adjacency(h): return torch.sparse_coo_tensor(torch.stack([receiver,sender]), torch.ones(8, dtype=h.dtype), (6,6))

def sparse_gcn(h): return torch.stack([torch.sparse.mm(adjacency(h), o) for o in h])

def expert(h): return (h.sum(-1)*1000).long().abs().flatten()%2

def batched_experts(h, up, down):
    "Each token with the weights of its expert"
    x,e = h.flatten(0,1),expert(h)
    y = torch.bmm(x.unsqueeze(1), up.w[e]).relu()
    return torch.bmm(y, down.w[e]).view(*h.shape[:2], -1)

def looped_experts(h, up, down):
    x,e = h.flatten(0,1),expert(h)
    res = x.new_zeros(len(x), down.w.shape[-1])
    for i in range(2):
        at = (e==i).nonzero()[:,0]
        res.index_add_(0, at, (x[at]@up.w[i]).relu()@down.w[i])
    return res.view(*h.shape[:2], -1)

def grouped_experts(h, up, down):
    x,e = h.flatten(0,1).float(),expert(h)
    by = e.argsort(stable=True)
    ends = torch.bincount(e, minlength=2).cumsum(0).to(torch.int32)
    y = torch._grouped_mm(torch._grouped_mm(x[by], up.w.float(), offs=ends).relu(), down.w.float(), offs=ends)
    return torch.zeros_like(y).index_copy_(0, by, y).to(h.dtype).view(*h.shape[:2], -1)

def scan(h, to_b, to_c, to_dt, log_a):
    "A selective scan, as it is written in papers"
    dt,b,c = F.softplus(to_dt(h)),to_b(h),to_c(h)
    a = torch.exp(torch.einsum('bld,dn->bldn', dt, -log_a.w.exp()))
    u = torch.einsum('bld,bln,bld->bldn', dt, b, h)
    state,ys = torch.zeros_like(u[:,0]),[]
    for i in range(h.shape[1]):
        state = a[:,i]*state+u[:,i]
        ys.append(torch.einsum('bdn,bn->bd', state, c[:,i]))
    return torch.stack(ys, 1)

class Mamba(nn.Module):
    "A block with a gate and a selective scan, whose inner channels are a slice of what comes in"
    def __init__(self, d=8, inner=16, n=4, rank=2):
        super().__init__()
        self.sizes,self.inner = [rank,n,n],inner
        self.first,self.enter = nn.Linear(5, d),nn.Linear(d, 2*inner, bias=False)
        self.conv = nn.Conv1d(inner, inner, 3, groups=inner, padding=2)
        self.select,self.step = nn.Linear(inner, sum(self.sizes), bias=False),nn.Linear(rank, inner)
        self.log_a,self.skip = nn.Parameter(torch.randn(inner, n)),nn.Parameter(torch.randn(inner))
        self.leave,self.last = nn.Linear(inner, d, bias=False),nn.Linear(d, 3)
    def forward(self, x):
        u,gate = self.enter(self.first(x)).split([self.inner,self.inner], dim=-1)
        u = F.silu(self.conv(u.transpose(1,2))[:,:,:x.shape[1]].transpose(1,2))
        dt,b,c = self.select(u).split(self.sizes, dim=-1)
        dt = F.softplus(self.step(dt))
        a = torch.exp(torch.einsum('bld,dn->bldn', dt, -self.log_a.exp()))
        v = torch.einsum('bld,bln,bld->bldn', dt, b, u)
        state,ys = x.new_zeros(len(x), self.inner, self.sizes[1]),[]
        for i in range(x.shape[1]):
            state = a[:,i]*state+v[:,i]
            ys.append(torch.einsum('bdn,bn->bd', state, c[:,i]))
        return self.last(self.leave((torch.stack(ys, 1)+u*self.skip)*F.silu(gate)))

class S4D(nn.Module):
    "A state space as a long convolution, by Fourier transforms"
    def __init__(self, d, n):
        super().__init__()
        self.c,self.log_dt,self.skip = (nn.Parameter(torch.randn(o)) for o in ((d,n,2),(d,),(d,)))
        self.log_a,self.turn = (nn.Parameter(torch.randn(d, n)) for _ in range(2))
    def forward(self, h):
        u,n = h.transpose(1,2),2*h.shape[1]
        a = -torch.exp(self.log_a)+1j*self.turn
        step = a*torch.exp(self.log_dt).unsqueeze(-1)
        c = torch.view_as_complex(self.c)*(torch.exp(step)-1)/a
        kernel = 2*torch.einsum('hn,hnl->hl', c, torch.exp(step.unsqueeze(-1)*torch.arange(n//2))).real
        y = torch.fft.irfft(torch.fft.rfft(u, n=n)*torch.fft.rfft(kernel, n=n), n=n)[...,:n//2]
        return (y+u*self.skip.unsqueeze(-1)).transpose(1,2)

def moved_mask(h):
    rows = h.sum(-1)>0
    new = h.clone()
    new[rows] = h[rows]*2
    return new

def observer(on=True):
    "Quantization aware training: a scale that follows what is seen, or that has come to rest"
    q = torch.ao.quantization.FusedMovingAvgObsFakeQuantize()
    q(torch.randn(99))
    return q if on else q.apply(torch.ao.quantization.disable_observer)

def per_channel(h):
    scale,zero = torch.full((h.shape[1],), .01),torch.zeros(h.shape[1], dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(h.float(), scale, zero, 1, -128, 127).to(h.dtype)

def written_to(h):
    out = torch.empty_like(h)
    torch.add(h, h.sum(1, keepdim=True), out=out)
    return out

def compared(h):
    assert torch.equal(h, h) and torch.allclose(h, h)
    return h.relu()

C,L = nn.Conv2d,nn.Linear
cases = {   # name -> groups as channels × dimensions of parameters, ~ if removing them changes outputs; network
 'deformable': ('6×2 8×4', lambda: image(lambda h,off,p: deform_conv2d(h, off(h), p.w, padding=1), after=6, off=C(8,18,3,padding=1), p=P(6,8,3,3))),
 'deformable, with places for each half': ('4×4 6×2', lambda: image(lambda h,off,p: deform_conv2d(h, off(h), p.w, padding=1, mask=off(h)[:,:18]), after=6, off=C(8,36,3,padding=1), p=P(6,8,3,3))),
 'deformable, in groups': ('2×5 3×2 4×4', lambda: image(lambda h,off,p: deform_conv2d(h, off(h), p.w, padding=1), after=6, off=C(8,18,3,padding=1), p=P(6,4,3,3))),
 'gated linear unit': ('4×3', lambda: image(lambda h: F.glu(h,1), after=4)),
 'gated linear unit over space': ('8×3', lambda: image(lambda h: F.glu(h,2))),
 'shuffled channels': ('4×3', lambda: image(lambda h: F.channel_shuffle(h,2))),
 'gather': ('8×3', lambda: tokens(lambda h: h.gather(1, places(h,h.shape[-1])%6))),
 'gather of repeated places': ('8×3', lambda: tokens(lambda h: h.gather(1, (places(h)%6)[...,None].repeat(1,1,h.shape[-1])))),
 'gather channels': ('', lambda: tokens(lambda h: h.gather(2, places(h,8)%8))),
 'gather a part': ('', lambda: tokens(lambda h: h.gather(1, places(h,4)%6), after=4)),
 'sorted by itself': ('8×3', lambda: tokens(lambda h: h.gather(1, h.argsort(1)))),
 'take along': ('8×3', lambda: tokens(lambda h: torch.take_along_dim(h, h.sum(-1).argsort(1)[...,None], 1))),
 'scatter_add': ('8×3', lambda: tokens(lambda h: torch.zeros_like(h).scatter_add_(1, places(h,h.shape[-1])%6, h))),
 'scatter_reduce': ('8×3', lambda: tokens(lambda h: h.scatter_reduce(1, places(h,h.shape[-1])%6, h, 'amax'))),
 'scatter a number': ('8×3', lambda: tokens(lambda h: h.scatter(1, places(h,h.shape[-1])%6, 0.))),
 'scatter channels': ('', lambda: tokens(lambda h: h.scatter(2, places(h,8)%8, h))),
 'index_add': ('8×3', lambda: tokens(gcn)),
 'index_add of a part': ('', lambda: tokens(lambda h: torch.zeros(2,6,8).to(h).index_add_(2, torch.arange(8), h))),
 'index_copy': ('8×3', lambda: tokens(lambda h: torch.zeros_like(h).index_copy(1, order(h), h))),
 'index_fill': ('8×3', lambda: tokens(lambda h: h.index_fill(1, order(h)[:2], 0))),
 'index_put': ('8×3', lambda: tokens(lambda h: h.clone().index_put_((torch.arange(len(h)),order(h)[:len(h)]), h[:,0]))),
 'index_put, one for all': ('8×4', lambda: tokens(lambda h,p: h.index_put((torch.tensor([0,1]),), p.w, accumulate=True), p=P(8))),
 'index_put channels': ('', lambda: tokens(lambda h: h.index_put((torch.tensor([0,1])[:,None],torch.arange(6),torch.zeros(1,dtype=torch.long)), torch.zeros(1).to(h)))),
 'a mask of tokens': ('8×3', lambda: tokens(moved_mask)),
 'a mask of numbers': ('', lambda: tokens(lambda h: h.masked_scatter(h>0, h))),
 'masked_scatter': ('8×6', lambda: tokens(lambda h,l: h.masked_scatter((h.sum(-1)>0)[...,None].expand_as(h), l(h)), l=L(8,8))),
 'bilinear': ('6×3 8×3', lambda: tokens(lambda h,b: b(h, h.sum(-1, keepdim=True)), after=6, b=nn.Bilinear(8,1,6))),
 'bilinear of twice the same': ('6×3 8×4', lambda: tokens(lambda h,b: b(h, h), after=6, b=nn.Bilinear(8,8,6))),
 'Fourier over space': ('8×3', lambda: image(lambda h: torch.fft.irfft2(torch.fft.rfft2(h)*(1+2j), s=h.shape[-2:]))),
 'Fourier over channels': ('', lambda: tokens(lambda h: torch.fft.fft(h).real)),
 'spectral convolution': ('4×2 8×3', lambda: image(lambda h,p: torch.fft.irfft2(torch.einsum('bixy,ioxy->boxy', torch.fft.rfft2(h), p.w), s=h.shape[-2:]), after=4, p=P(8,4,6,4,dtype=torch.cfloat))),
 'rotary by complex numbers': ('2×3 2×3', lambda: tokens(rope)),
 'grid_sample': ('8×3', lambda: image(lambda h: F.grid_sample(h, h.sum(1)[...,None].expand(-1,-1,-1,2).tanh(), align_corners=False))),
 'grid_sample in 3-D': ('8×3', lambda: volume(lambda h: F.grid_sample(h, h.sum(1)[...,None].expand(-1,-1,-1,-1,3).tanh(), align_corners=False))),
 'unpooling': ('8×6', lambda: image(unpooled, c=C(8,8,1))),
 'fractional pooling': ('8×3', lambda: image(lambda h: F.fractional_max_pool2d(h, 2, 3, _random_samples=torch.full((h.shape[0],h.shape[1],2), .5).to(h)))),
 'adaptive pooling in 3-D': ('8×3', lambda: volume(lambda h: F.adaptive_max_pool3d(h, 2))),
 'distances': ('5×2 8×3', lambda: tokens(lambda h,p: torch.cdist(h, p.w), after=5, p=P(5,8))),
 'distances among tokens': ('8×2', lambda: tokens(lambda h: torch.cdist(h, h), after=0)),
 'cosine similarity': ('5×2 8×3', lambda: tokens(lambda h,p: F.cosine_similarity(h[:,:,None], p.w, dim=-1), after=5, p=P(5,8))),
 'length one': ('8×3', lambda: tokens(lambda h: F.normalize(h, dim=-1))),
 'a weight of length one': ('6×2 8×3~', lambda: tokens(lambda h,p: F.linear(h, F.normalize(p.w, dim=1)), after=6, p=P(6,8))),
 'cumprod': ('8×3', lambda: tokens(lambda h: h.cumprod(1))),
 'cumprod of channels': ('8×3~', lambda: tokens(lambda h: h.sigmoid().cumprod(2))),
 'cummax': ('8×3', lambda: tokens(lambda h: h.cummax(1)[0])),
 'median': ('8×3', lambda: tokens(lambda h: h-h.median(1, keepdim=True)[0])),
 'median of channels': ('8×3~', lambda: tokens(lambda h: h*h.median(2, keepdim=True)[0])),
 'kthvalue': ('8×3', lambda: tokens(lambda h: h*h.kthvalue(2, 1, keepdim=True)[0])),
 'largest and smallest': ('8×3~', lambda: tokens(lambda h: h/(h.aminmax()[1]+9))),
 'reflected in 3-D': ('8×3', lambda: volume(lambda h: F.pad(h, (1,)*6, 'reflect'))),
 'repeated border in 3-D': ('8×3', lambda: volume(lambda h: F.pad(h, (1,)*6, 'replicate'))),
 'reflected channels': ('', lambda: tokens(lambda h: F.pad(h, (1,1), 'reflect'), after=10)),
 'turned channels': ('8×3', lambda: image(lambda h: h.flip(1))),
 'turned channels beside themselves': ('8×3', lambda: image(lambda h: torch.cat([h.flip(1),h],1), after=16)),
 'every second channel': ('4×3', lambda: image(lambda h: torch.cat([h[:,::2],h[:,1::2]],1))),
 'every third channel': ('', lambda: image(lambda h: h[:,::3], after=3)),
 'every second of a part': ('', lambda: image(lambda h: h[:,1:5:2], after=2)),
 'rolled as a whole': ('', lambda: tokens(lambda h: h.roll(1))),
 'rolled over space': ('8×3', lambda: image(lambda h: h.roll((1,2),(2,3)))),
 'few values': ('8×3', lambda: image(lambda h: torch.fake_quantize_per_tensor_affine(h.float(), .01, 0, -128, 127).to(h.dtype))),
 'few values in each channel': ('8×3', lambda: image(per_channel)),
 'few values, as observed': ('8×3~', lambda: image(lambda h,q: q(h.float()).to(h.dtype), q=observer())),
 'few values, as once observed': ('8×3', lambda: image(lambda h,q: q(h.float()).to(h.dtype), q=observer(False))),
 'neighbouring channels': ('', lambda: image(lambda h: F.local_response_norm(h, 5))),
 'channels picked by numbers': ('', lambda: image(lambda h: h[:,[0,2,1,*range(3,8)]])),
 'some channels picked by numbers': ('', lambda: image(lambda h: torch.cat([h[:,[0,2,1]],h[:,3:]], 1))),
 'one length for all of a weight': ('6×3 8×3~', lambda: image(lambda h,c: c(h), after=6, c=nn.utils.parametrizations.weight_norm(nn.Conv2d(8,6,1), dim=None))),
 'a norm of each channel': ('8×3', lambda: image(lambda h,n: n(h), n=nn.InstanceNorm2d(8))),
 'a norm of each channel, scaled': ('8×5', lambda: image(lambda h,n: n(h), n=nn.InstanceNorm2d(8, affine=True))),
 'a norm of each channel, in groups': ('8×3', lambda: image(lambda h,n: n(h), n=nn.GroupNorm(8, 8, affine=False))),
 'a norm of groups': ('2×3~ 4×3', lambda: image(lambda h,n: n(h), n=nn.GroupNorm(4, 8, affine=False))),
 'graph convolution': ('8×3', lambda: tokens(gcn)),
 'sparse graph convolution': ('8×3', lambda: tokens(sparse_gcn)),
 'graph attention': ('2×3 4×4', lambda: tokens(gat, score=L(4,1))),
 'experts with the weights of each token': ('6×2 7×2 8×3', lambda: tokens(batched_experts, after=7, up=P(2,8,6), down=P(2,6,7))),
 'experts in a loop': ('6×2 7×2 8×3', lambda: tokens(looped_experts, after=7, up=P(2,8,6), down=P(2,6,7))),
 'sampled heads': ('2×6 4×4', lambda: image(sampled, at=L(8,4))),
 'a scan': ('4×5~ 8×9', lambda: tokens(scan, to_b=L(8,4), to_c=L(8,4), to_dt=L(8,8), log_a=P(8,4))),
 'out=': ('8×3', lambda: tokens(written_to)),
 'compared': ('8×3', lambda: tokens(compared)),
 'compared with others': ('8×6', lambda: tokens(lambda h,l: h.relu() if torch.equal(h, l(h)) else h, l=L(8,8))),
 'fill channels': ('', lambda: tokens(lambda h: h.index_fill(2, torch.arange(2), 0))),
 'sparse sums of a weight': ('8×4', lambda: tokens(lambda h,p: h+torch.sparse.mm(adjacency(h), p.w), p=P(6,8))),
 'length over tokens': ('8×3', lambda: tokens(lambda h: h-h.norm(dim=1, keepdim=True))),
 'bag of embeddings': ('8×4', lambda: tokens(lambda h,e: h+e(expert(h).view(len(h),-1))[:,None], e=nn.EmbeddingBag(2,8))),
 'a selective state space': ('2×2 4×2~ 8×2 8×3 16×9', lambda: (Mamba(),torch.randn(2,6,5))),
 'a diagonal state space': ('4×3~ 8×8', lambda: tokens(lambda h,s4d: s4d(h), s4d=S4D(8, 4))),
}

if hasattr(torch, '_grouped_mm'): cases['experts in one product'] = ('8×2 8×2 8×3', lambda: tokens(grouped_experts, up=P(2,8,8), down=P(2,8,8)))   # a kernel of later PyTorches

def made(name):
    torch.manual_seed(0)
    want,make = cases[name]
    m,x = make()
    m = m.eval()
    for p in m.parameters(): p.data = p.data.double() if p.is_floating_point() else p.data   # quantization has float32 in its buffers
    for p in m.parameters():
        if p.is_complex(): p.data = p.data.to(torch.complex128)
    return want,m,x.double()

def signature(g):
    return ' '.join(f'{n}×{k}'+'~'*l for n,k,l in sorted((len(o),len(o.touches),o.lossy is not None) for o in g.groups()))

@pytest.mark.parametrize('name', cases)
def test_what_goes_together(name):
    want,m,x = made(name)
    g = channel_graph(m, x)
    assert signature(g)==want, g.groups()
    if want: assert not g.unknown

def silent(m, x, seed, some=None):
    "A copy in which whoever writes some of the channels, or so many, gives zero"
    m,rng = copy.deepcopy(m),torch.Generator().manual_seed(seed)
    g = channel_graph(m, x)
    for group in g.groups():
        if group.lossy or len(group)<2: continue
        n = int(torch.randint(1, len(group), (), generator=rng)) if some is None else some
        dead = torch.randperm(len(group), generator=rng)[:n]
        for name,d,idx,eat in group.places():
            if not eat: m.get_parameter(name).data.index_fill_(d, torch.as_tensor(idx)[dead].flatten(), 0)
    return m

@torch.no_grad()
def same_without(m, x, seed, some=None):
    "The network without what is silent computes the same, for other batches, too"
    m = silent(m, x, seed, some)
    small = shrink(m, x)
    count = lambda m: sum(p.numel() for p in m.parameters())
    assert count(small)<count(m) and not plan_of(small).left, plan_of(small)
    other = torch.randn(3, *x.shape[1:], generator=torch.Generator().manual_seed(seed)).to(x)
    for x in (x,other):
        a,b = m(x),small(x)
        assert a.shape==b.shape and (a-b).abs().max()<=1e-9*a.abs().max().clamp(min=1), (a-b).abs().max()

@pytest.mark.parametrize('name', [name for name,(want,_) in cases.items() if any('~' not in o for o in want.split())])
def test_the_network_without_them_is_the_same(name):
    _,m,x = made(name)
    some = 4 if name=='experts in one product' else None   # whose kernel takes multiples of four
    for seed in range(3): same_without(m, x, seed, some)

@pytest.mark.parametrize('norm,sizes', [
    (nn.GroupNorm(4, 8, affine=False), dict(num_groups=2, num_channels=4)), (nn.GroupNorm(4, 8), dict(num_groups=2, num_channels=4)),
    (nn.GroupNorm(8, 8, affine=False), dict(num_groups=4, num_channels=4)), (nn.InstanceNorm2d(8), dict(num_features=4)),
    (nn.InstanceNorm2d(8, affine=True, track_running_stats=True), dict(num_features=4))])
def test_norms_say_what_is_left_of_their_input(norm, sizes):
    torch.manual_seed(0)
    m,x = image(lambda h,n: n(h), n=norm)
    Pruner(m.eval(), x).prune_model(50)
    assert {k:getattr(norm, k) for k in sizes}==sizes and m.a.out_channels==m.o.in_channels==4
    m(x)

steps = {   # what keeps batch, tokens and channels
 'gather': lambda h: h.gather(1, places(h,h.shape[-1])%6), 'scatter_add': lambda h: torch.zeros_like(h).scatter_add_(1, places(h,h.shape[-1])%6, h),
 'gcn': gcn, 'sorted': lambda h: h.gather(1, h.argsort(1)), 'mask': moved_mask, 'turned': lambda h: h.flip(2), 'written': written_to,
 'shuffled': lambda h: F.channel_shuffle(h.transpose(1,2), 2).transpose(1,2), 'halves': lambda h: torch.cat([h[...,::2],h[...,1::2]], -1),
 'unit': lambda h: F.glu(torch.cat([h,h], -1)), 'fourier': lambda h: torch.fft.irfft(torch.fft.rfft(h, dim=1)*2, n=6, dim=1),
 'length': lambda h: h+F.normalize(h, dim=-1), 'cummax': lambda h: h.cummax(1)[0], 'median': lambda h: h-h.median(1, keepdim=True)[0],
 'twice': lambda h: h+2*h.relu(), 'rope': rope}

@settings(max_examples=40)
@given(st.lists(st.sampled_from(sorted(steps)), min_size=1, max_size=4), st.integers(0, 9))
def test_operations_one_behind_the_other(names, seed):
    torch.manual_seed(seed)
    def f(h):
        for name in names: h = steps[name](h)
        return h
    m,x = tokens(f)
    m,x = m.double().eval(),x.double()
    g = channel_graph(m, x)
    assert not g.unknown
    if any(len(group)>1 and not group.lossy for group in g.groups()): same_without(m, x, seed)

class RMS(nn.Module):
    def forward(self, x): return x*torch.rsqrt(x.square().mean(-1, keepdim=True)+1e-6)

class GRN(nn.Module):
    "Global response norm"
    def __init__(self, d): super().__init__(); self.g,self.b = nn.Parameter(torch.randn(d, 1, 1)),nn.Parameter(torch.randn(d, 1, 1))
    def forward(self, x):
        length = x.norm(dim=(2,3), keepdim=True)
        return self.g*x*(length/(length.mean(1, keepdim=True)+1e-6))+self.b+x

norms = {
 'LayerNorm': lambda: tokens(lambda h,n: n(h), n=nn.LayerNorm(8)), 'LayerNorm without parameters': lambda: tokens(lambda h,n: n(h), n=nn.LayerNorm(8, elementwise_affine=False)),
 'RMSNorm': lambda: tokens(lambda h,n: n(h), n=nn.RMSNorm(8)), 'RMSNorm without parameters': lambda: tokens(lambda h,n: n(h), n=nn.RMSNorm(8, elementwise_affine=False)),
 'RMSNorm by hand': lambda: tokens(lambda h,n: n(h), n=RMS()), 'LayerNorm over space': lambda: image(lambda h,n: n(h), n=nn.LayerNorm([8,6,6], elementwise_affine=False)),
 'InstanceNorm': lambda: image(lambda h,n: n(h), n=nn.InstanceNorm2d(8)), 'GroupNorm of one': lambda: image(lambda h,n: n(h), n=nn.GroupNorm(1, 8, affine=False)),
 'BatchNorm without parameters': lambda: image(lambda h,n: n(h), n=nn.BatchNorm2d(8, affine=False)), 'global response norm': lambda: image(lambda h,n: n(h), n=GRN(8))}

@pytest.mark.parametrize('name', norms)
def test_channels_go_through_norms(name):
    "Half of the channels go; the norm is told its new size, and the network is that of its graph"
    torch.manual_seed(0)
    m,x = norms[name]()
    m,x = m.double().eval(),x.double()
    Pruner(m, x, lossy=True).prune_model(50)
    assert m.a.weight.shape[0]==4 and m.o.weight.shape[1]==4
    assert getattr(m.mods['n'], 'normalized_shape', [4])[0]==4
    assert len(channel_graph(m, x).groups()[0])==4 and m(x).isfinite().all()

class Inference(nn.Module):
    def __init__(self): super().__init__(); self.a,self.o = nn.Linear(5,8),nn.Linear(8,3)
    @torch.inference_mode()
    def forward(self, x): return self.o(self.a(x).relu_())

class Vmap(Inference):
    def forward(self, x): return torch.vmap(lambda x: self.o(self.a(x).relu()))(x)

class Sparse(Inference):
    "An adjacency matrix comes with the batch"
    def forward(self, x, adjacency): return self.o(torch.sparse.mm(adjacency, self.a(x)).relu())

@pytest.mark.parametrize('make', [Inference, Vmap])
def test_operations_that_pytorch_runs_in_another_way(make):
    torch.manual_seed(0)
    m,x = make().double(),torch.randn(4,5).double()
    g = channel_graph(m, x)
    assert signature(g)=='8×3' and not g.unknown
    if make is Inference: same_without(m, x, 0)   # inside of vmap nobody can compare calls, and nothing goes

@pytest.mark.parametrize('layout', ['to_sparse','to_sparse_csr'])
def test_sparse_matrices_in_batches_and_buffers(layout):
    torch.manual_seed(0)
    m,x,adjacency = Sparse().double(),torch.randn(4,5).double(),getattr((torch.rand(4,4)<.5).double(), layout)()
    assert signature(channel_graph(m, (x,adjacency)))=='8×3'
    with torch.no_grad(): m.a.weight[:4] = 0; m.a.bias[:4] = 0
    small = shrink(m, (x,adjacency))
    assert small.a.out_features==4 and (small(x, adjacency)-m(x, adjacency)).abs().max()<1e-12
    m.w = nn.Parameter(adjacency)
    with pytest.raises(TypeError, match='w is sparse.*to_dense'): channel_graph(m, (x,adjacency))

@pytest.mark.parametrize('script', [torch.jit.script, lambda m: torch.jit.trace(m, torch.randn(2,8,5,5).double())])
def test_scripted_parts_are_kept_as_they_are(script):
    torch.manual_seed(0)
    part = script(nn.Sequential(C(8,8,3), nn.ReLU()).double())
    m,x = nn.Sequential(C(3,8,3).double(), nn.ReLU(), part, C(8,6,3).double(), nn.ReLU(), C(6,4,3).double()).eval(),torch.randn(2,3,12,12).double()
    g = channel_graph(m, x)
    assert [len(o) for o in g.groups()]==[6]
    assert any('scripted' in r['Why'] for r in g.kept())
    with torch.no_grad(): m[3].weight[:3] = 0; m[3].bias[:3] = 0
    small = shrink(m, x)
    assert small[3].out_channels==3 and small[0].out_channels==8 and (small(x)-m(x)).abs().max()<1e-12
    Pruner(m, x).prune_model(50)
    assert m[3].out_channels==3 and m(x).shape==(2,4,4,4)
