/* The page's doings: logs in, follows the gateway's events, looks things up, puts dead entries back or aside. */
'use strict';
const $ = id => document.getElementById(id);
const shown = 100, kept = 60;
let proof = '', events = null, last = null, paused = false, discarding = [];
const lines = {waiting: [], in: [], out: []};

/* --- small things --- */

const make = (tag, text, name) => {
  const element = document.createElement(tag);
  if (text !== undefined && text !== null) element.textContent = text;
  if (name) element.className = name;
  return element;
};
const count = n => n.toLocaleString('en-US').replace(/,/g, '\u202f');
const money = (minor, currency) => minor === null || minor === undefined ? '' : count(minor) + (currency ? ' ' + currency : '');
const age = ms => ms < 1000 ? `${ms} ms` : ms < 60000 ? `${Math.round(ms / 1000)} s` : ms < 3600000 ? `${Math.round(ms / 60000)} min`
  : `${Math.round(ms / 3600000)} h`;
const when = ms => new Date(ms).toISOString().replace('T', ' ').replace('Z', '');

async function ask(path, body) {
  const options = body === undefined ? {} : {method: 'POST', headers: {'Content-Type': 'application/json', 'X-Till-Proof': proof},
    body: JSON.stringify(body)};
  const response = await fetch(path, options), json = await response.json();
  if (response.status === 401 && path !== '/ui/login') leave();
  if (!response.ok) throw new Error(json.detail || json.title);
  return json;
}

/* --- logging in --- */

function enter(session) {
  proof = session.proof;
  $('name').textContent = session.name;
  $('who').hidden = $('main').hidden = false;
  $('login').hidden = true;
  follow('');
  readDead();
}

function leave() {
  if (events) events.close();
  events = null;
  live(false, 'not connected');
  $('who').hidden = $('main').hidden = true;
  $('login').hidden = false;
  $('token').focus();
}

$('login-form').addEventListener('submit', async event => {
  event.preventDefault();
  $('login-wrong').textContent = '';
  try {
    enter(await ask('/ui/login', {token: $('token').value.trim()}));
    $('token').value = '';
    $('main').focus();
  } catch (error) { $('login-wrong').textContent = error.message; }
});
$('logout').addEventListener('click', () => ask('/ui/logout', {}).finally(leave));

/* --- events --- */

function live(is, text) {
  $('link').className = is ? 'live' : '';
  $('link').textContent = text;
}

function follow(source) {
  if (events) events.close();
  last = null;
  events = new EventSource('/ui/events' + (source ? '?source=' + encodeURIComponent(source) : ''));
  events.addEventListener('open', () => live(true, 'live'));
  events.addEventListener('error', () => {
    live(false, 'reconnecting');
    if (events && events.readyState === EventSource.CLOSED) ask('/ui/session').then(() => setTimeout(() => follow(source), 2000), () => {});
  });
  events.addEventListener('state', event => state(JSON.parse(event.data)));
  events.addEventListener('answer', event => answer(JSON.parse(event.data)));
  events.addEventListener('trouble', event => {
    $('trouble').textContent = JSON.parse(event.data).text || 'Redis cannot be reached.';
    $('trouble').hidden = false;
  });
}

function draw(name, value) {
  const values = lines[name];
  values.push(value);
  if (values.length > kept) values.shift();
  const top = Math.max(1, ...values);
  const points = values.map((v, n) => `${(n * 120 / (kept - 1)).toFixed(1)},${(22.5 - v / top * 21).toFixed(1)}`).join(' ');
  $(name + '-line').firstElementChild.setAttribute('points', points);
}

function rates(now) {
  if (!last || now.now <= last.now) return;
  const seconds = (now.now - last.now) / 1000, rate = (to, from) => Math.max(0, Math.round((to - from) / seconds));
  const into = rate(now.added, last.added), out = rate(now.read, last.read);
  $('in').textContent = count(into);
  $('out').textContent = count(out);
  draw('in', into);
  draw('out', out);
}

function state(s) {
  const sum = name => s.partitions.reduce((total, p) => total + p[name], 0);
  const now = {now: s.now, added: sum('added'), read: sum('read')}, waits = sum('waits'), dead = sum('dead');
  $('trouble').hidden = true;
  $('book').textContent = s.book;
  $('waiting').textContent = count(waits);
  draw('waiting', waits);
  rates(now);
  $('oldest').textContent = waits ? age(Math.max(...s.partitions.map(p => p.oldest))) : 'none';
  if (s.p50 !== null) $('p50').textContent = count(s.p50);
  if (s.p99 !== null) $('p99').textContent = count(s.p99);
  if ($('dead-count').textContent !== count(dead)) {
    $('dead-count').textContent = count(dead);
    if (last) readDead();
  }
  $('dead-tile').className = dead ? 'tile bad' : 'tile';
  workers(s.workers);
  partitions(s.partitions);
  last = now;
}

function workers(list) {
  $('workers').replaceChildren(...list.map(w => {
    const item = make('li');
    item.append(make('span', w.name + ' '), make('span', !w.alive ? 'silent for ' + age(w.seen) : w.quiet ? 'quiet'
      : w.partitions + (w.partitions === 1 ? ' partition' : ' partitions'), !w.alive ? 'chip bad' : w.quiet ? 'chip warn' : 'chip'));
    return item;
  }));
  if (!list.length) $('workers').append(make('li', 'no workers', 'chip bad'));
}

function partitions(list) {
  $('partitions').replaceChildren(...list.map((p, n) => {
    const item = make('li', null, p.halted || !p.owner ? 'bad' : p.paused ? 'warn' : '');
    const text = p.halted ? 'halted: ' + p.halted : p.paused ? 'paused ' + p.paused : p.owner || 'no owner';
    item.append(make('b', n), make('span', p.waits ? count(p.waits) : '', 'waits'), make('span', text));
    item.title = text;
    return item;
  }));
}

function answer(a) {
  if (paused) return;
  const row = make('tr', null, 'new'), told = make('td');
  told.append(make('span', a.reason + (a.replayed ? ' (again)' : ''), a.code === 0 ? 'chip' : 'chip bad'));
  row.append(make('td', when(a.at).slice(11)), told, make('td', money(a.amount, a.currency), 'number'), make('td', a.account),
    make('td', a.op), make('td', a.key), make('td', a.source));
  $('answers').prepend(row);
  while ($('answers').rows.length > shown) $('answers').deleteRow(-1);
  $('answers-none').hidden = true;
}

$('pause').addEventListener('click', () => {
  paused = !paused;
  $('pause').textContent = paused ? 'Go on' : 'Pause';
  $('pause').setAttribute('aria-pressed', paused);
});
$('source-form').addEventListener('submit', event => {
  event.preventDefault();
  follow($('source').value.trim());
});

/* --- looking up --- */

function fields(object) {
  const list = make('dl'), moneys = ['balance', 'held', 'available', 'amount', 'captured', 'refunded'], times = ['at', 'opened', 'changed',
    'deadline', 'lock_until'];
  for (const [name, value] of Object.entries(object)) {
    if (value === null || value === '' || value === false || name === 'currency' || (name === 'limit_per' && !object.limit_payments)) continue;
    const text = moneys.includes(name) ? money(value, object.currency) : times.includes(name) ? when(value) : value === true ? 'yes' : value;
    list.append(make('dt', name.replace('_', ' ')), make('dd', text));
  }
  return list;
}

function found(list, whole) {
  const items = list.map(bill => {
    const item = make('p'), open = make('button', bill.identity, 'plain');
    open.addEventListener('click', () => lookUp(bill.identity));
    item.append(open, ` ${bill.op} ${money(bill.amount, bill.currency)}${bill.to ? ' to ' + bill.to : ''}: ${bill.reason}, ${when(bill.at)}`);
    return item;
  });
  if (!whole) items.push(make('p', 'There are more bills than could be looked through in three seconds.', 'quiet'));
  return items;
}

async function lookUp(what) {
  const result = $('look-result');
  $('look').value = what;
  result.replaceChildren(make('p', 'looking …', 'quiet'));
  try {
    const r = await ask('/ui/look?q=' + encodeURIComponent(what));
    if (r.account) result.replaceChildren(fields(r.account));
    else if (r.bill) result.replaceChildren(fields(r.bill));
    else if (r.found && r.found.length) result.replaceChildren(...found(r.found, r.whole));
    else result.replaceChildren(make('p', `Nothing is known of ${what}.`), ...(r.found ? found([], r.whole) : []));
  } catch (error) { result.replaceChildren(make('p', error.message, 'wrong')); }
}

$('look-form').addEventListener('submit', event => {
  event.preventDefault();
  lookUp($('look').value.trim());
});

/* --- dead letters --- */

function letter(d) {
  const box = make('div', null, 'letter'), i = d.intent || {}, head = make('p'), actions = make('p', null, 'actions');
  const put = make('button', 'Requeue', 'plain'), aside = make('button', 'Discard …', 'plain'), details = make('details');
  head.append(make('b', d.intents ? `${d.intents.length} intents` : d.intent
    ? `${i.op || '?'} ${money(i.amount, i.currency)}` : 'unreadable bytes'), ' ',
    [i.account, i.source, i.key].filter(Boolean).join('/'));
  details.append(make('summary', `${d.id}, ${d.attempts} ${d.attempts === '1' ? 'attempt' : 'attempts'}`), make('pre', JSON.stringify(d, null, 1)));
  put.addEventListener('click', () => change('/ui/dead/requeue', {ids: [d.id]}, 'put back'));
  aside.addEventListener('click', () => {
    discarding = [d.id];
    $('reason').value = '';
    $('discard').showModal();
  });
  actions.append(put, aside);
  box.append(head, make('p', d.reason, 'quiet'), details, actions);
  return box;
}

async function readDead() {
  try {
    const r = await ask('/ui/dead');
    $('dead-list').replaceChildren(...(r.dead.length ? r.dead.map(letter) : [make('p', 'None. All is well.', 'quiet')]));
  } catch (error) { $('dead-done').textContent = error.message; }
}

async function change(path, body, done) {
  try {
    const r = await ask(path, body);
    $('dead-done').textContent = r.done ? `${r.done} ${done}.` : 'It was not there any more.';
  } catch (error) { $('dead-done').textContent = error.message; }
  readDead();
}

$('dead-refresh').addEventListener('click', readDead);
$('discard-cancel').addEventListener('click', () => $('discard').close());
$('discard-form').addEventListener('submit', () => change('/ui/dead/discard', {ids: discarding, reason: $('reason').value.trim()}, 'put aside'));

ask('/ui/session').then(enter, leave);
