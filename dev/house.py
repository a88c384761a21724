"""The house: its folders, its notebooks in reading order, and what each of them says about itself

A notebook says it in the cell that names its module:

    #| default_exp shrink.pruner
    #| section: guide
    #| for_users: Pruner count_macs
    #| search: structured pruning, budget

`section` is the part of the website, `for_users` are those of its exports that are in `fasterprune.all`, too, and `search`
are words that the website's search should find the page by, whether or not it uses them; several such lines add up.
Tutorials, the folders' first pages (`index.ipynb`) and the README's notebook need neither section nor names."""
import ast,re
from functools import lru_cache
from fastcore.nbio import read_nb
from nbdev.config import get_config

# From the lowest to the highest: a notebook imports from lower numbers of its folder, and from the folders before it
folders = ('base', 'channels', 'masks', 'shrink', 'layers', 'train', 'study')

# Parts of the website, and their titles
sections = {'start':'Start', 'tutorials':'Tutorials', 'guide':'Guide', 'how it works':'How it works'}

def folder(nb):
    "Name of the folder of a notebook; '' for those that lie in nbs itself"
    where = nb.parent.relative_to(get_config().nbs_path).as_posix()
    return '' if where=='.' else where

def is_index(nb): return nb.stem=='index'

def _storey(nb):
    "How high a notebook lies: README, folders, what is above all of them, tutorials"
    where = folder(nb)
    if where in folders: return folders.index(where)
    if where=='tutorials': return len(folders)+1
    if where=='': return -1 if is_index(nb) else len(folders)
    raise ValueError(f'{nb}: dev/house.py knows no folder {where!r}, but {", ".join((*folders, "tutorials"))}')

@lru_cache(None)
def notebooks():
    "All notebooks in reading order, which is the order in which they may import each other"
    nbs = get_config().nbs_path
    found = [o for o in nbs.rglob('*.ipynb') if not any(p[0] in '_.' for p in o.relative_to(nbs).parts)]
    return tuple(sorted(found, key=lambda nb: (_storey(nb), not is_index(nb), nb.name)))

@lru_cache(None)
def _code(nb): return '\n'.join(c.source for c in read_nb(nb).cells if c.cell_type=='code')

@lru_cache(None)
def said(nb, what):
    "Values of the lines `#| what: value` of a notebook"
    return re.findall(rf'^#\|[ ]*{what}\b:?[ ]*(.*?)[ ]*$', _code(nb), flags=re.M)

def module(nb):
    "Name of the module that a notebook exports, such as `shrink.pruner`, or None"
    return next(iter(said(nb, 'default_exp')), None)

@lru_cache(None)
def exported():
    "`{notebook: module}` in reading order"
    return {nb:module(nb) for nb in notebooks() if module(nb)}

def section(nb):
    "Key of the part of the website that a notebook belongs to"
    if folder(nb)=='tutorials': return 'tutorials'
    if is_index(nb): return 'how it works' if folder(nb) else 'start'
    return next(iter(said(nb, 'section')), 'how it works')

def search_words(nb):
    "What people type who look for a page"
    return [o.strip() for line in said(nb, 'search') for o in line.split(',') if o.strip()]

def for_users():
    "`{module: names}` of what `fasterprune.all` has"
    names = {mod:' '.join(said(nb, 'for_users')).split() for nb,mod in exported().items()}
    return {mod:ns for mod,ns in names.items() if ns}

@lru_cache(None)
def exports_of(mod):
    "`__all__` of a module as it was exported, without importing it"
    path = (get_config().lib_path/mod.replace('.', '/')).with_suffix('.py')
    for o in ast.parse(path.read_text(encoding='utf-8')).body:
        if isinstance(o, ast.Assign) and o.targets[0].id=='__all__': return ast.literal_eval(o.value)
    return []
