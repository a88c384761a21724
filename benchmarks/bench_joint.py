"""How do the scores of all weights of a coupled channel make one score? Two ways, and which of them ranks better.

    python benchmarks/bench_joint.py digits|efficientnet|minilm    measures, a line for each network pruned -> joint_NETWORK.csv
    python benchmarks/bench_joint.py                               the tables of these files

A channel is written and read in several tensors, and each weight that it covers there has a score.

- `pooled`: the mean over all weights, wherever they are. A tensor with many weights a channel has many votes.
- `equal`: the mean over tensors; each brings the mean score of the channel's weights, relative to what is usual in that tensor.

In both, the scores of a group are relative to their mean before groups compete (context 'global'). Both go until the
same percentage of the multiply-accumulates of the layers is saved, so that only the order of the channels differs,
and differences are taken between networks that differ in nothing else. `chance` draws the scores, and says how much
there is to win.

Measured right after pruning, without training: accuracy of the digits (also after two epochs), and for the pretrained
networks, which need no label, how far the outputs agree with those of the full network: the cosine between them, in
percent (logits, their mean taken off; sentence vectors), and how often both name the same class (or find the same
nearest neighbour). Dead channels are zeroed for that, which computes the same as a network without them and needs no
rewriting.

What came out (`equal` less `pooled`, in points; mean over settings and its 95 % interval over seeds): digits +1.0 ±
0.7 right after pruning and +0.4 ± 0.8 after two epochs; efficientnet 0.0 ± 0.5; minilm -0.58 ± 0.03 (by magnitude a
seed there is another choice of pictures or sentences to judge by, since nothing else is random). So neither wins
everywhere. `equal` is clearly ahead where scores differ in size from tensor to tensor and groups compete, with Taylor
in 'global' on the digits (+6.1 ± 4.0, after training +2.4 ± 1.8), and with magnitudes in 'local' on efficientnet
(+4.0 ± 0.5), whose depthwise weights `pooled` hardly hears; `pooled` is ahead with magnitudes in 'global' there (-3.9
± 0.6, from 10 % of the MACs on, where either network is broken). `equal` is what is kept.
"""
import csv, math, sys, warnings
from bisect import bisect_left
from collections import defaultdict
from copy import deepcopy
from pathlib import Path
from statistics import mean, stdev
import numpy as np, torch
from scipy.stats import t as student
from torch import nn
from torch.nn import functional as F
from fasterprune.base.data import *
from fasterprune.channels.graph import channel_graph
from fasterprune.shrink.pruner import Pruner
from common import table
import digits_resnet as digits

folder = Path(__file__).parent
fields = 'network criterion context percent seed rule score second'.split()

# ---- the two rules, as functions of tables of scores: channels × weights, one table for each tensor

def relative(score): return score/score.abs().mean().clamp(min=torch.finfo(score.dtype).tiny)

def pooled(tables): return relative(torch.cat(tables, 1).mean(1))

def equal(tables): return relative(torch.stack([relative(t.mean(1)) for t in tables]).mean(0))

def chance(tables): return torch.rand(len(tables[0]))

rules = dict(pooled=pooled, equal=equal, chance=chance)

# ---- one network, pruned in all ways

def positions(model, xb):
    "Name of each weight of a layer -> how many times it is applied to one sample"
    res,handles = {},[]
    def watch(name):
        def hook(m, args, out): res[name] = out.numel()//m.weight.shape[0]//len(out)
        return hook
    for n,m in model.named_modules():
        if isinstance(m, (nn.Conv2d,nn.Linear)): handles.append(m.register_forward_hook(watch(f'{n}.weight')))
    with torch.no_grad(): model(**xb) if isinstance(xb, dict) else model(xb)
    for h in handles: h.remove()
    return res

class Ways:
    "All ways to prune one network"
    def __init__(self, model, xb, batches, loss_func):
        self.model,self.xb,self.batches,self.loss_func = model,xb,batches,loss_func
        self.graph = channel_graph(model, xb)
        self.groups = [g for g in self.graph.groups() if not g.lossy and len(g)>1]
        self.places = [g.places() for g in self.groups]
        self.params,self.times = dict(model.named_parameters()),positions(model, xb)

    def scores(self, criterion, rule):
        "Scores of the channels of each group"
        pruner = Pruner(self.model, self.xb, 'local', criterion, reduce=rules[rule])
        self.model.zero_grad()
        if criterion=='taylor': self.add_gradients()
        return [pruner.score(g) for g in self.groups]

    def add_gradients(self):
        "Leave the sum of the gradients of all batches in the parameters"
        for x,y in self.batches:
            out = self.model(**x) if isinstance(x, dict) else self.model(x)
            self.loss_func(out, y).backward()

    def queue(self, scores, context):
        "Group and channel, in the order in which they go; the best of each group stays"
        flat = []
        for i,s in enumerate(scores):
            for k,c in enumerate(s.argsort(stable=True)[:-1].tolist()):
                flat.append((float(s[c]) if context=='global' else (k+.5)/len(s), i, c))
        return [(i,c) for _,i,c in sorted(flat)]

    def dead(self, gone):
        "Which indices die with the channels `gone`: (parameter, dimension) -> bools"
        by_group,res = defaultdict(list),{}
        for i,c in gone: by_group[i].append(c)
        for i,cs in by_group.items():
            for n,d,idx,_ in self.places[i]:
                if n in self.params: res.setdefault((n,d), np.zeros(self.params[n].shape[d], bool))[idx[cs]] = True
        return res

    def macs(self, gone):
        "Multiply-accumulates of the layers for one sample, without the channels `gone`"
        left = {n:self.params[n].numel()*t for n,t in self.times.items()}
        for (n,d),die in self.dead(gone).items():
            if n in left: left[n] *= 1-die.mean()
        return sum(left.values())

    def until(self, queue, percent):
        "The first channels of `queue`, which save `percent` of the multiply-accumulates"
        full = self.macs([])
        k = bisect_left(range(len(queue)), percent/100, key=lambda k: 1-self.macs(queue[:k])/full)
        return queue[:k]

    def zeroed(self, gone):
        "The network with the channels `gone` set to zero"
        model = deepcopy(self.model)
        for (n,d),die in self.dead(gone).items(): model.get_parameter(n).data.index_fill_(d, torch.tensor(die.nonzero()[0]), 0)
        return model

    def removed(self, gone):
        "The network without the channels `gone`"
        return self.graph.plan([self.groups[i].classes[c] for i,c in gone]).apply(deepcopy(self.model))

def measure(network, seed, ways, percents, judge, write):
    "Prune by both criteria in both contexts by all rules, and write what `judge` says of each"
    for criterion,rule in (('large_final','chance'), *((c,r) for c in ('large_final','taylor') for r in ('pooled','equal'))):
        torch.manual_seed(seed)
        scores = ways.scores(criterion, rule)
        for context in ('local','global'):
            queue = ways.queue(scores, context)
            for percent in percents:
                score,second = judge(ways.until(queue, percent), percent)
                write(dict(zip(fields, (network,criterion,context,percent,seed,rule,round(score, 3),round(second, 3)))))

# ---- the digits

def run_digits(write, seeds=range(6), percents=(10,20,30,60,80)):
    "Accuracy right after pruning, and after two epochs (from 60 % on), in percent"
    for seed in seeds:
        x,y,x_valid,y_valid = digits.split(seed)
        torch.manual_seed(seed)
        model = digits.train(digits.ResNet(), x, y, epochs=8, lr=.1, seed=seed)
        print(f'digits, seed {seed}: {digits.accuracy(model, x_valid, y_valid):.1f} %', flush=True)
        ways = Ways(model, x[:2], list(zip(x.split(200), y.split(200))), F.cross_entropy)
        def judge(gone, percent):
            now = digits.accuracy(ways.zeroed(gone), x_valid, y_valid)
            if percent<60: return now,math.nan
            return now,digits.accuracy(digits.train(ways.removed(gone), x, y, epochs=2, lr=.03, seed=seed), x_valid, y_valid)
        measure('digits', seed, ways, percents, judge, write)

# ---- ImageNet's classifier, on random parts of two photographs

def crops(n, seed, size=160):
    "Random parts of both sample pictures, half of them mirrored"
    g = torch.Generator().manual_seed(seed)
    def number(low, high): return int(torch.randint(low, high, (1,), generator=g))
    res = []
    for i in range(n):
        picture = torch.tensor(list(sample_pictures().values())[i%2])
        side = number(200, 428)
        top,left = number(0, 428-side),number(0, 641-side)
        part = picture[top:top+side, left:left+side]
        res.append(part.flip(1) if number(0, 2) else part)
    return imagenet_batch(res, size)

@torch.no_grad()
def logits(model, x): return torch.cat([model(b) for b in x.split(32)])

def run_efficientnet(write, seeds=range(4), percents=(2,5,10,20)):
    "Cosine of the logits, and how often the first class is the same, in percent; gradients are those of the full network's own answers"
    model = efficientnet_lite0()
    for seed in seeds:
        seen,new = crops(48, seed),crops(64, 100+seed)
        want = logits(model, new)
        batches = list(zip(seen.split(16), logits(model, seen).argmax(1).split(16)))
        ways = Ways(model, seen[:1], batches, F.cross_entropy)
        def judge(gone, percent):
            got = logits(ways.zeroed(gone), new)
            same = F.cosine_similarity(got-got.mean(1, keepdim=True), want-want.mean(1, keepdim=True)).mean()
            return 100*float(same), 100*float((got.argmax(1)==want.argmax(1)).float().mean())
        print(f'efficientnet, seed {seed}', flush=True)
        measure('efficientnet', seed, ways, percents, judge, write)

# ---- the sentence encoder

SENTENCES = """The cat sleeps on a warm windowsill. / Heavy rain delayed all trains this morning. / She baked bread with rye and honey.
The central bank raised interest rates again. / A new telescope found water on a distant planet. / He forgot his umbrella in the office.
Children were playing football in the yard. / The museum opens at ten on weekdays. / Our neighbours adopted an old dog.
The bridge was closed for repairs until spring. / Doctors recommend eight hours of sleep. / I cannot find the keys to my bicycle.
The orchestra played a symphony by Brahms. / Farmers worry about another dry summer. / The software update broke my printer.
They hiked across the mountains for nine days. / The price of coffee has doubled in a year. / A judge dismissed the case for lack of evidence.
The soup needs more salt and a little pepper. / Wind turbines stood still in the fog. / My grandmother taught me how to knit.
The company will hire two hundred engineers. / A whale was seen close to the harbour. / The exam was easier than we had expected.
He reads a chapter to his daughter every night. / The battery lasts about six hours. / Scientists measured the speed of the glacier.
The restaurant serves fish from the lake. / We painted the kitchen in pale yellow. / The minister resigned after the scandal.
Please send me the report before Friday. / The river flooded several villages. / An apple a day keeps the doctor away.
The pilot announced a short delay. / She won a medal in the long jump. / The library has books in forty languages.
My phone fell into the bathtub. / The novel tells the story of two sisters. / Bees are vital for the harvest of fruit.
The roof leaks whenever it snows. / A thief stole three paintings at night. / Children under six travel free of charge.
The engine makes a strange noise. / Tourists filled the narrow streets. / The theory explains why the sky is blue.
He apologised for the misunderstanding. / The garden is full of roses in June. / A vaccine against malaria was approved.
The lecture on algebra starts at noon. / Fresh snow covered the whole valley. / They argued about politics all evening.
The shop sells second-hand furniture. / An earthquake shook the coast of Chile. / The baby laughed at the funny hat.
Turn left after the petrol station. / The witness recognised the man at once. / Sales of electric cars rose by a third.
The violinist broke a string on stage. / Our train leaves from platform seven. / The recipe calls for three eggs.
A robot assembled the doors of the car. / The election result was very close. / He swims a mile before breakfast.
The old castle is said to be haunted. / The patient recovered within a week. / Stars are brighter far from the city.
Her passport expires in December. / The team lost in the final minute. / Compost improves the soil of a garden.
The film was praised by all critics. / A storm uprooted trees in the park. / I would like a table for four.
The court ordered the firm to pay damages. / Penguins live in the southern hemisphere. / The password must have twelve characters.
The actor forgot his lines. / Ships wait outside of the crowded port. / The clock in the tower strikes every hour.
Physicists built a smaller laser. / The teacher praised her essay. / Ice cream melts quickly in the sun.
A fire destroyed the old warehouse. / The tax return is due in May. / We watched the sunset from the roof.
The mechanic replaced both brakes. / Wolves have returned to the forest. / The choir rehearses on Thursdays.
The heating failed on the coldest day. / Voters queued outside of the school. / A poem by Goethe hung on the wall.
The flight to Lisbon was cancelled. / Pasta should be cooked in salted water. / The spy crossed the border at dawn.
The chess player sacrificed her queen. / A cable under the sea was damaged. / The doctor listened to his heart.
Mushrooms grow after warm rain. / The contract runs for two years. / The river is too cold for swimming.
The mayor opened a new hospital. / He repaired the clock with a needle. / The desert blooms once in ten years."""

def sentences(): return [s.strip() for s in SENTENCES.replace('\n', ' / ').split(' / ')]

class Matcher:
    "A loss without labels: the beginning of a sentence should find its sentence among the others"
    def __init__(self, tokenizer): self.tokenizer = tokenizer
    def batches(self, texts, n=17):
        "Beginnings and sentences in one batch: what goes into the model, and what the loss is told"
        for i in range(0, len(texts)-n+1, n):
            part = texts[i:i+n]
            starts = [' '.join(s.split()[:max(2, len(s.split())//2)]) for s in part]
            batch = sentence_batch(self.tokenizer, starts+part)
            yield batch,batch['attention_mask']
    def __call__(self, out, mask):
        real = mask.unsqueeze(2)
        at = F.normalize((out.last_hidden_state*real).sum(1)/real.sum(1), dim=1)
        starts,whole = at.chunk(2)
        return F.cross_entropy(starts@whole.T/.05, torch.arange(len(whole)))

def run_minilm(write, seeds=range(4), percents=(2,5,10,20)):
    "Cosine of the sentence vectors, and how often the nearest other sentence is the same, in percent"
    model,tokenizer = minilm()
    texts = sentences()
    loss = Matcher(tokenizer)
    for seed in seeds:
        order = torch.randperm(len(texts), generator=torch.Generator().manual_seed(seed)).tolist()
        seen,new = [texts[i] for i in order[:34]],[texts[i] for i in order[34:]]
        def vectors(m):
            with torch.no_grad(): return embed_sentences(m, tokenizer, new)
        def nearest(at): return (at@at.T).fill_diagonal_(-2).argmax(1)
        want = vectors(model)
        ways = Ways(model, sentence_batch(tokenizer, seen[:2]), list(loss.batches(seen)), loss)
        def judge(gone, percent):
            got = vectors(ways.zeroed(gone))
            return 100*float((got*want).sum(1).mean()), 100*float((nearest(got)==nearest(want)).float().mean())
        print(f'minilm, seed {seed}: {len(seen)} sentences for gradients, {len(new)} to judge', flush=True)
        measure('minilm', seed, ways, percents, judge, write)

# ---- the tables

def interval(values):
    "Mean, and half of its 95 % interval (Student's)"
    n = len(values)
    return mean(values), student.ppf(.975, n-1)*stdev(values)/math.sqrt(n) if n>1 else math.nan

def plus_minus(values): return '{:.1f} ± {:.1f}'.format(*interval(values)) if values else ''

def summary(rows, column):
    """For each setting the mean of each rule over seeds, and of what `equal` has more than `pooled` for the same seed

    In the last lines a seed counts once: its mean over settings."""
    settings = defaultdict(lambda: defaultdict(dict))
    for r in rows:
        if not math.isnan(r[column]): settings[r['criterion'],r['context'],r['percent']][r['seed']][r['rule']] = r[column]
    res,more_of = [],defaultdict(lambda: defaultdict(list))
    for (criterion,context,percent),by_seed in settings.items():
        means = [plus_minus([o[rule] for o in by_seed.values() if rule in o]) for rule in rules]
        more = {seed:o['equal']-o['pooled'] for seed,o in by_seed.items() if 'equal' in o}
        for seed,v in more.items():
            for part in (f'{criterion} {context}: all', 'all'): more_of[part][seed].append(v)
        res.append((f'{criterion} {context} {percent:g} %', *means, plus_minus(list(more.values()))))
    everything = more_of.pop('all')
    more_of['all'] = everything   # comes last
    return res+[(part, '', '', '', plus_minus([mean(vs) for vs in by_seed.values()])) for part,by_seed in more_of.items()]

def rows_of(network):
    "What was measured of `network`"
    file = folder/f'joint_{network}.csv'
    if not file.exists(): return []
    with open(file, newline='') as f: return [r|{k:float(r[k]) for k in ('percent','score','second')} for r in csv.DictReader(f)]

titles = dict(digits=('accuracy right after pruning', 'accuracy after two epochs'),
              efficientnet=('cosine of the logits with the full network\'s', 'the same first class'),
              minilm=('cosine of the sentence vectors with the full network\'s', 'the same nearest sentence'))

def report():
    "Print the tables of what was measured"
    for network,(first,second) in titles.items():
        if not (rows := rows_of(network)): continue
        for column,title in (('score',first), ('second',second)):
            table(f'{network}: {title}, percent; by MACs saved', [('', *rules, 'equal-pooled'), *summary(rows, column)])

def run(network):
    "Measure `network`"
    known = dict(digits=run_digits, efficientnet=run_efficientnet, minilm=run_minilm)
    if network not in known: sys.exit(f"{network!r} is not known; choose from {', '.join(known)}")
    with open(folder/f'joint_{network}.csv', 'w', newline='') as f:
        out = csv.DictWriter(f, fields, lineterminator='\n')
        out.writeheader()
        def write(row): out.writerow(row); f.flush()
        known[network](write)

if __name__=='__main__':
    warnings.simplefilter('ignore')
    torch.set_num_threads(1)
    for network in sys.argv[1:]: run(network)
    report()
