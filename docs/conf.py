"Sphinx configuration. The pages come from the notebooks: see dev/docs.py, which runs Sphinx."
import importlib,inspect,sys
from pathlib import Path
root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root))
from configparser import ConfigParser

ini = ConfigParser(interpolation=None)
ini.read(root/'settings.ini')
s = ini['DEFAULT']
repo = f"https://github.com/{s['user']}/{s['repo']}"

project,author,copyright,release = s['lib_name'],s['author'],s['copyright'],s['version']
version = release
extensions = ['myst_nb', 'sphinx.ext.linkcode', 'sphinx-mathjax-offline']
exclude_patterns = ['_build', '**.ipynb_checkpoints']

nb_execution_mode = 'off'
nb_merge_streams = True
nb_output_stderr = 'remove'
myst_enable_extensions = ['colon_fence', 'dollarmath', 'amsmath', 'deflist', 'attrs_inline', 'attrs_block', 'html_image']
myst_heading_anchors = 4
add_module_names = False
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = 'hide'
nitpicky = True

html_theme = 'furo'
html_title = project
html_favicon = '_static/favicon.svg'
html_static_path = ['_static']
html_css_files = ['custom.css']
html_copy_source = False
html_show_sphinx = False
html_last_updated_fmt = None
pygments_style,pygments_dark_style = 'a11y-high-contrast-light','a11y-high-contrast-dark'   # at least 4.5:1
html_theme_options = dict(
    footer_icons=[dict(name='Repository', url=repo, html='Repository', **{'class': ''})],
    light_css_variables={'color-brand-primary': '#0b5c8a', 'color-brand-content': '#0b5c8a'},
    dark_css_variables={'color-brand-primary': '#6cb8e6', 'color-brand-content': '#6cb8e6'})

def linkcode_resolve(domain, info):
    "Address of the source of an API entry"
    if domain!='py' or not info['module']: return None
    from dev.api import unwrap
    obj = importlib.import_module(info['module'])
    for part in info['fullname'].split('.'): obj = inspect.getattr_static(obj, part) if inspect.isclass(obj) else getattr(obj, part)
    try:
        lines,start = inspect.getsourcelines(obj := obj if inspect.isclass(obj) else unwrap(obj))
        path = Path(inspect.getsourcefile(obj)).resolve().relative_to(root).as_posix()
    except (OSError, TypeError, ValueError): return None
    return f"{repo}/blob/{s['branch']}/{path}#L{start}-L{start+len(lines)-1}"
