"Networks with real weights can be pruned: their graph, exact shrinking, masks. Their data and weights come from the extra `data`"
from copy import deepcopy
import pytest, torch
from torch import nn
from fasterprune.base.data import *
from fasterprune.channels.graph import channel_graph
from fasterprune.shrink.pruner import Pruner
from fasterprune.shrink.cost import count_params
from fasterprune.shrink.shrink import find_dead, shrink
from fasterprune.masks.sparsifier import Sparsifier

sentences = ['A cat sits on the mat.', 'Share prices fell on Monday, and nobody knew why.']

def encoder():
    "The sentence encoder in double precision, a batch, and its output for one"
    model,tokenizer = minilm()
    return model.double(), sentence_batch(tokenizer, sentences), lambda m,x: m(**x).last_hidden_state

def classifier():
    "The classifier in double precision, a batch, and its output for one"
    x = imagenet_batch(list(sample_pictures().values()), 96).double()
    return efficientnet_lite0().double(), x, lambda m,x: m(x)

both = pytest.mark.parametrize('make', (encoder, classifier))

def zero_out(model, graph, share):
    "Set all weights of the first `share` of each group's channels to zero; how many channels that is"
    ps,n = dict(model.named_parameters()),0
    for g in graph.groups():
        if g.lossy: continue
        for c in g.classes[:int(share*len(g))]:
            n += 1
            for name,d,idx,_ in graph.members[c]:
                if name in ps: ps[name].data.index_fill_(d, torch.as_tensor(idx), 0)
    return n

@both
def test_shrinking_real_weights_is_exact(make):
    model,x,run = make()
    n = zero_out(model, channel_graph(model, x), .4)
    with torch.no_grad():
        want = run(model, x)
        small = shrink(model, x)
        got = run(small, x)
    assert n>300
    assert count_params(small) < .85*count_params(model)
    assert (got-want).abs().max() <= 1e-12*want.abs().max()
    assert not find_dead(small, x).keep   # nothing is left to do

@both
def test_pruner_removes_what_masks_would_zero(make):
    "What `Pruner` makes small computes what the full network computes with the same channels zeroed"
    model,x,run = make()
    pruner = Pruner(deepcopy(model), x)
    plan = pruner.plan(30)
    full = dict(model.named_parameters())
    small = pruner.apply(plan)
    zeroed = deepcopy(model)
    for name,p in zeroed.named_parameters():
        for d,kept in plan.keep.get(name, {}).items():
            dead = sorted(set(range(p.shape[d])) - set(kept))
            p.data.index_fill_(d, torch.tensor(dead, dtype=torch.long), 0)
    with torch.no_grad(): got,want,before = run(small, x),run(zeroed, x),run(model, x)
    assert count_params(small) < .9*sum(p.numel() for p in full.values())
    assert (got-want).abs().max() <= 1e-11*want.abs().max()
    assert (got-before).abs().max() > 1e-3*before.abs().max()

@both
def test_masks_over_coupled_channels_are_removed_exactly(make):
    model,x,run = make()
    sparsifier = Sparsifier(model, 'group', 'local', xb=x)
    sparsifier.prune_model(25)
    with torch.no_grad():
        want = run(model, x)
        small = shrink(model, x)
        got = run(small, x)
    assert count_params(small) < .9*count_params(model)
    assert (got-want).abs().max() <= 1e-12*want.abs().max()

@pytest.mark.parametrize('context', ('local','global'))
@both
def test_single_weights_are_counted_exactly(make, context):
    model,*_ = make()
    types = (nn.Conv2d,nn.Linear)
    sparsifier = Sparsifier(model, 'weight', context, layer_type=types)
    sparsifier.prune_model(60)
    ws = [m.weight for m in model.modules() if isinstance(m, types)]
    dead,n = sum(int((w==0).sum()) for w in ws), sum(w.numel() for w in ws)
    assert abs(dead-.6*n) <= len(ws)/2   # each layer rounds

def test_small_weights_of_the_encoder_can_go():
    "Without 30 % of its weights, the smallest, the encoder says nearly the same; without any 30 % it does not"
    model,tokenizer = minilm()
    with torch.no_grad(): want = embed_sentences(model, tokenizer, sentences)
    def agreement(criterion):
        torch.manual_seed(0)
        pruned = deepcopy(model)
        Sparsifier(pruned, 'weight', 'local', criterion, layer_type=nn.Linear).prune_model(30)
        with torch.no_grad(): return float((embed_sentences(pruned, tokenizer, sentences)*want).sum(1).min())
    assert agreement('large_final') > .8 > .5 > agreement('random')
