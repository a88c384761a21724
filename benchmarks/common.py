"What the benchmarks share: interleaved timing, and the peers if they are installed"
import statistics as st, time, warnings

def interleave(rounds, setup=False, clock=time.perf_counter, **fs):
    "Median seconds of each of `fs`, called in turn for so many rounds, so that a noisy machine is unfair to all alike"
    ts = {k:[] for k in fs}
    for r in range(rounds+1):
        for k,f in fs.items():
            if setup: f = f()   # what is timed is the function that this returns
            t = clock(); f()
            if r: ts[k].append(clock()-t)
    return {k:st.median(v) for k,v in ts.items()}

def fasterai():
    "The module fasterai.sparse.all, or None"
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try: import fasterai.sparse.all as m
        except ImportError: return None
    return m

def torch_pruned(m, x, percent, ignore, **kw):
    "`m` after Torch-Pruning (by magnitude, in place), with what its examples for ViTs of timm and torchvision give and set by hand"
    import torch_pruning as tp
    has = lambda o: hasattr(getattr(o, 'qkv', None), 'out_features') and isinstance(getattr(o, 'num_heads', None), int)
    attention,vit = [o for o in m.modules() if has(o)],hasattr(m, 'conv_proj') and hasattr(m, 'class_token')
    if vit: kw = dict(round_to=m.encoder.layers[0].num_heads, unwrapped_parameters=[(m.class_token,2),(m.encoder.pos_embedding,2)])|kw
    p = tp.pruner.MagnitudePruner(m, x, tp.importance.MagnitudeImportance(), pruning_ratio=percent/100, ignored_layers=ignore,
                                  num_heads={o.qkv:o.num_heads for o in attention}, **kw)
    p.step()
    if vit: m.hidden_dim = m.conv_proj.out_channels
    for o in attention:
        o.num_heads = p.num_heads[o.qkv]
        o.head_dim = o.qkv.out_features//(3*o.num_heads)
        for n in ('dim','attn_dim'):
            if hasattr(o, n): setattr(o, n, o.qkv.out_features//3)
    return m

def table(title, rows):
    "Print rows of (name, value...)"
    print(f'\n{title}')
    for r in rows: print('  '+'  '.join(f'{c:<34}' if i==0 else f'{c:>12}' if isinstance(c,str) else f'{c:12.3f}' for i,c in enumerate(r)))
