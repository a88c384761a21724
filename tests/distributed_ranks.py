"What the processes of the tests of several ranks do: top-level functions, which a spawned process can import"
import os,torch
import torch.distributed as dist
from torch import nn,optim
from torch.nn import functional as F

def begin(rank, n, folder):
    "Join `n` processes over gloo; they meet in a file"
    torch.set_num_threads(1)
    dist.init_process_group('gloo', init_method=f'file://{os.path.join(folder, "meet")}', rank=rank, world_size=n)

def end(rank, folder, result):
    "Leave what this process found in `folder`"
    torch.save(result, os.path.join(folder, f'{rank}.pt'))
    dist.destroy_process_group()

def decisions(rank, n, folder):
    from fasterprune.base.ranks import decide
    begin(rank, n, folder)
    def fail(): raise ValueError(f'rank {dist.get_rank()} cannot')
    value,error = decide(lambda: [dist.get_rank(), f'from rank {dist.get_rank()}']),None
    try: decide(fail)
    except Exception as e: error = f'{type(e).__name__}: {e}'
    end(rank, folder, dict(value=value, error=error))

def shrinking(rank, n, folder):
    "What becomes of a network under DistributedDataParallel that somebody wants to be smaller"
    from fasterprune.shrink.pruner import Pruner
    begin(rank, n, folder)
    net,(x,y) = network(),batch()
    ddp = nn.parallel.DistributedDataParallel(net)
    before = {name:p.detach().clone() for name,p in net.named_parameters()}
    try: error = Pruner(ddp, x) and None
    except Exception as e: error = f'{type(e).__name__}: {e}'
    untouched = all(torch.equal(p, before[name]) for name,p in net.named_parameters())
    F.cross_entropy(ddp(x), y).backward()   # the wrapper is as good as before
    anew = nn.parallel.DistributedDataParallel(Pruner(ddp.module, x).prune_model(50))
    F.cross_entropy(anew(x), y).backward()
    end(rank, folder, dict(error=error, untouched=untouched, channels=net[0].out_channels, grads=all(p.grad.shape==p.shape for p in net.parameters())))

def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1,8,3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8,12,3), nn.ReLU(), nn.Flatten(), nn.Linear(192,4))

def batch(): return torch.randn(6,1,8,8),torch.randint(0,4,(6,))

def prune(criterion, granularity, context):
    "Prune a replica, train it on other batches than the others do; what it then looks like"
    from fasterprune.masks.sparsifier import Sparsifier
    ddp = nn.parallel.DistributedDataParallel(network())
    torch.manual_seed(dist.get_rank()+1)   # other data and other dice
    kw = dict(xb=batch()[0]) if granularity=='group' else dict(layer_type=(nn.Conv2d,nn.Linear))
    sparsifier = Sparsifier(ddp, granularity, context, criterion, **kw)
    opt = optim.SGD(ddp.parameters(), lr=.1, momentum=.9)
    if sparsifier.evidence.needs&{'grad','grad2','inputs'}: sparsifier.collect([batch(), batch()], F.cross_entropy)
    sparsifier.hold(opt)
    for percent in (30,60):
        sparsifier.prune_to(sparsifier.check(percent), opt=opt)
        for _ in range(2):
            x,y = batch()
            opt.zero_grad()
            F.cross_entropy(ddp(x), y).backward()
            opt.step()
    weights = {n:p.detach().clone() for n,p in ddp.module.named_parameters()}
    held = all(not p[(m==0).expand(p.shape)].any() for _,p,m in sparsifier.zeros.held())
    return dict(masks=sparsifier.alive, weights=weights, held=held, masked=sparsifier.masked)

def prune_all(rank, n, folder, ways):
    begin(rank, n, folder)
    end(rank, folder, [prune(*way) for way in ways])

def fit(rank, n, folder):
    "A fit of fastai in which each process sees its own part of the digits"
    from fastai.callback.core import Callback
    from fasterprune.train.datasets import digits_dls,digits_learner,digits_net
    from fasterprune.train.keep import CheckZeros
    from fasterprune.train.prune import PruneCallback
    from fasterprune.train.sparsify import SparsifyCallback
    class Replicas(Callback):
        "What a launcher does: wrap the network, and unwrap it again"
        order = 11
        def before_fit(self): self.learn.model = nn.parallel.DistributedDataParallel(self.learn.model)
        def after_fit(self): self.learn.model = self.learn.model.module
    begin(rank, n, folder)
    learn = digits_learner(digits_net(8), seed=0)
    torch.manual_seed(rank+1)
    learn.dls = digits_dls(64, 192)   # as many batches everywhere, in another order
    with learn.no_bar(), learn.no_logging(): learn.fit(2, 1e-2, cbs=[Replicas(), SparsifyCallback(70, 'filter', 'global', 'random'), CheckZeros()])
    masks,weights = dict(learn.keep_sparse.sparsifiers[0].alive),{k:p.detach().clone() for k,p in learn.model.named_parameters()}
    learn = digits_learner(digits_net(8), seed=0)
    try:
        with learn.no_bar(), learn.no_logging(): learn.fit(1, cbs=[Replicas(), PruneCallback(50)])
    except ValueError as e: refused = str(e)
    end(rank, folder, dict(masks=masks, weights=weights, refused=refused, size=sum(p.numel() for p in learn.model.parameters())))

def masked(rank, n, folder):
    "Train a replica with connections that are given, each process on batches of its own"
    from fasterprune.layers.masked import mask_model
    begin(rank, n, folder)
    torch.manual_seed(0)
    net = network().double()
    masks = {m:torch.rand_like(m.weight)<.3 for m in net if isinstance(m, (nn.Conv2d,nn.Linear))}
    ddp = nn.parallel.DistributedDataParallel(mask_model(net, masks))
    opt = optim.SGD(ddp.parameters(), lr=.1, momentum=.9, weight_decay=.1)
    torch.manual_seed(rank+1)
    for _ in range(3):
        x,y = batch()
        F.cross_entropy(ddp(x.double()), y).backward()
        clear = [bool((m.weight.grad[~m.mask]==0).all()) for m in net if hasattr(m, 'mask')]
        opt.step()
        opt.zero_grad()
    held = [bool((m.weight[~m.mask]==0).all()) for m in net if hasattr(m, 'mask')]
    end(rank, folder, dict(state=net.state_dict(), clear=clear, held=held))
