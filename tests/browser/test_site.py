"The website as its readers see it, in a real browser, without a network"
import json,re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote,urldefrag,urljoin,urlsplit
import pytest
pytest.importorskip('selenium', reason='a browser is driven where selenium is (extra `dev`)')
from selenium.webdriver.support.ui import WebDriverWait

def pages(site): return sorted(o.relative_to(site).as_posix() for o in site.rglob('*.html') if '_static' not in o.parts)

class _Page(HTMLParser):
    "Links, resources and anchors of a page"
    def __init__(self, txt):
        super().__init__()
        self.links,self.files,self.ids = [],[],set()
        self.feed(txt)
    def handle_starttag(self, tag, attrs):
        d = dict(attrs)
        if d.get('id'): self.ids.add(d['id'])
        if tag=='a' and d.get('name'): self.ids.add(d['name'])
        if tag=='a' and d.get('href'): self.links.append(d['href'])
        if tag in ('img', 'script', 'iframe', 'source', 'video') and d.get('src'): self.files.append(d['src'])
        if tag=='link' and d.get('href') and d.get('rel') not in ('canonical',): self.files.append(d['href'])

@pytest.fixture(scope='module')
def parsed(site): return {p: _Page((site/p).read_text(encoding='utf-8')) for p in pages(site)}

def test_one_page_a_notebook(site):
    from dev.docs import page
    from dev.house import notebooks
    assert {f'{page(nb)}.html' for nb in notebooks()} <= set(pages(site))

def test_internal_links_resolve(site, parsed):
    bad = []
    for p,pg in parsed.items():
        for o in pg.links:
            if urlsplit(o).scheme or o=='#': continue
            to,frag = urldefrag(urljoin(p, o))
            to = unquote(to) or p
            if to not in parsed: bad += [] if (site/to).is_file() else [(p, o)]
            elif frag and unquote(frag) not in parsed[to].ids: bad.append((p, o))
    assert not bad

def test_resources_are_here(site, parsed):
    "Pictures, scripts and styles are part of the site: it works offline"
    bad = [(p, o) for p,pg in parsed.items() for o in pg.files
           if not o.startswith('data:') and (urlsplit(o).scheme or not (site/unquote(urljoin(p, urlsplit(o).path))).is_file())]
    assert not bad
    for css in site.rglob('*.css'):
        for o in re.findall(r'url\(\s*["\']?([^"\')]+)', css.read_text(encoding='utf-8')):
            if not o.startswith(('data:', '#')): assert not urlsplit(o).scheme and (css.parent/o.split('?')[0].split('#')[0]).exists(), (css, o)

def errors(browser): return [o['message'] for o in browser.get_log('browser') if o['level'] in ('SEVERE', 'ERROR')]

def requests(browser):
    "Addresses that the browser asked for"
    for o in browser.get_log('performance'):
        m = json.loads(o['message'])['message']
        if m['method']=='Network.requestWillBeSent': yield m['params']['request']['url']

cut_off = """return [...document.querySelectorAll('div.highlight-python pre, div.highlight-ipython3 pre')]
    .filter(o => o.scrollWidth>o.clientWidth+1).map(o => o.innerText)"""   # blocks of code that do not fit

def test_pages_load_cleanly(browser, url, site):
    "No error in the console, every picture drawn, nothing asked of other hosts, nothing wider than a phone, no code cut off on a desk"
    size = browser.get_window_size()
    try:
        for w in (390, 1280):
            browser.set_window_size(w, 900)
            for p in pages(site):
                browser.get(f'{url}/{p}')
                assert not errors(browser), p
                bad = browser.execute_script('return [...document.images].filter(i => i.loading!="lazy" && !(i.complete && i.naturalWidth)).map(i => i.src)')
                assert not bad, (p, bad)
                other = [o for o in requests(browser) if not o.startswith((url, 'data:', 'blob:', 'chrome'))]
                assert not other, (p, other)
                over = browser.execute_script('return document.documentElement.scrollWidth - document.documentElement.clientWidth')
                assert over<=1, f'{p} is {over} pixels too wide in a window of {w}'
                if w==1280: assert not browser.execute_script(cut_off), p
    finally: browser.set_window_size(size['width'], size['height'])

def search(browser, url, text):
    "What the search box finds for `text`: pairs of title and address"
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    browser.get(f'{url}/index.html')
    box = browser.find_element(By.CSS_SELECTOR, 'input.sidebar-search, input[name=q]')
    box.send_keys(text + Keys.ENTER)
    done = lambda b: b.find_elements(By.CSS_SELECTOR, '#search-results p.search-summary') and \
        'Search Results' in b.find_element(By.CSS_SELECTOR, '#search-results').text and 'Searching' not in b.find_element(By.CSS_SELECTOR, '#search-results h2').text
    WebDriverWait(browser, 20).until(done)
    return [(o.text, o.get_attribute('href')) for o in browser.find_elements(By.CSS_SELECTOR, '#search-results ul.search li a')]

def test_tests_are_folded(site):
    "To a line that says what is tested"
    txt = (site/'masks/criteria.html').read_text(encoding='utf-8')
    shown = re.sub(r'<details.*?</details>', '', txt, flags=re.S)
    assert 'Test: normalization keeps the order' in txt and 'expect_fail' in txt
    assert 'Test: ' not in shown and 'hypothesis' not in shown

def test_search_finds_sparsifier(browser, url, site):
    found = search(browser, url, 'Sparsifier')
    assert any(urlsplit(h).path.endswith('/sparsifier.html') for _,h in found), found
    assert not errors(browser)

# what people type -> pages of which one should be found
typed = {'MaskedLinear':['masked', 'own_masks'], '2:4':['granularity'], 'phone':['phone'], 'quantization':['phone'], 'fine-tune':['sparsify'],
         'adjacency':['masked', 'connections', 'own_masks'], 'L1':['criteria'], 'GPU':['install'], 'migrate':['migrate'], 'cite':['papers'], 'FLOPs':['cost']}

def test_search_knows_what_people_type(site):
    txt = (site/'searchindex.js').read_text(encoding='utf-8')
    index = json.loads(txt[txt.index('(')+1:txt.rindex(')')])
    for word,wanted in typed.items():
        found = {index['docnames'][o[0]].rpartition('/')[2] for o in index['indexentries'].get(word.lower(), [])}
        assert found & set(wanted), (word, found)

def test_search_finds_what_people_type(browser, url):
    for word,wanted in typed.items():
        first = [urlsplit(h).path.rpartition('/')[2].removesuffix('.html') for _,h in search(browser, url, word)[:5]]
        assert set(first) & set(wanted), (word, first)

def test_search_says_when_there_is_nothing(browser, url): assert search(browser, url, 'qwertyuiop')==[]

def test_light_and_dark(browser, url):
    "The button of the theme changes the colour of the page"
    from selenium.webdriver.common.by import By
    browser.get(f'{url}/index.html')
    color = lambda: browser.execute_script('return getComputedStyle(document.body).backgroundColor')
    seen = {color()}
    for _ in range(3):
        b = next(o for o in browser.find_elements(By.CSS_SELECTOR, 'button.theme-toggle') if o.is_displayed())
        b.click(); seen.add(color())
    assert len(seen)==2, seen

def test_next_and_previous(browser, url):
    from selenium.webdriver.common.by import By
    def click(css):
        o = browser.find_element(By.CSS_SELECTOR, css)
        browser.execute_script('arguments[0].scrollIntoView({block:"center", behavior:"instant"})', o)
        o.click()
    browser.get(f'{url}/index.html')
    click('a.next-page')
    assert not browser.current_url.endswith('index.html')
    click('a.prev-page')
    assert browser.current_url.endswith('index.html')

def captions(browser):
    from selenium.webdriver.common.by import By
    return [o.text for o in browser.find_elements(By.CSS_SELECTOR, '.sidebar-tree p.caption') if o.is_displayed()]

def test_sections_are_in_reading_order(browser, url):
    from dev.house import sections
    browser.get(f'{url}/index.html')
    shown = [o.lower() for o in captions(browser)]
    assert shown==[*(o.lower() for o in sections.values()), 'project']

def test_each_page_is_in_the_sidebar(site):
    "Once, on every page, the rooms of a folder below its first page"
    from dev.docs import page
    from dev.house import notebooks
    tree = re.search(r'<div class="sidebar-tree">.*?</div>', (site/'changelog.html').read_text(encoding='utf-8'), flags=re.S)[0]
    links = re.findall(r'href="([^"#]+)"', tree)
    for nb in notebooks(): assert links.count(f'{page(nb)}.html')==1, page(nb)

def test_sidebar_on_a_phone(browser, url):
    "It opens, shows all sections without scrolling sideways, and leads on"
    from selenium.webdriver.common.by import By
    size = browser.get_window_size()
    try:
        browser.set_window_size(390, 800)
        browser.get(f'{url}/index.html')
        assert not captions(browser)
        browser.find_element(By.CSS_SELECTOR, 'label.nav-overlay-icon').click()
        WebDriverWait(browser, 5).until(lambda b: len(captions(b))==5)
        tree = browser.find_element(By.CSS_SELECTOR, '.sidebar-scroll')
        assert browser.execute_script('return arguments[0].scrollWidth<=arguments[0].clientWidth+1', tree)
        link = browser.find_element(By.CSS_SELECTOR, '.sidebar-tree a[href$="changelog.html"]')
        browser.execute_script('arguments[0].scrollIntoView({block:"center", behavior:"instant"})', link)
        link.click()
        WebDriverWait(browser, 5).until(lambda b: b.current_url.endswith('changelog.html'))
    finally: browser.set_window_size(size['width'], size['height'])

def test_api_entries_link_their_source(site):
    from dev.house import exported
    from dev.docs import page
    for nb,mod in exported().items():
        txt = (site/f'{page(nb)}.html').read_text(encoding='utf-8')
        path = mod.replace('.', '/')
        if 'class="py ' in txt: assert re.search(rf'href="https://[^"]+/fasterprune/{path}\.py#L\d+', txt), nb.name
