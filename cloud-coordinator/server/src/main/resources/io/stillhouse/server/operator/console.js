'use strict';

// One page that polls the public API and shows what it answers. Text only ever enters the page as
// text, never as markup: names come from devices.

const POLL_MILLIS = 2000;
const ROLLOUTS_SHOWN = 5;
const JOBS_SHOWN = 8;

const COLOURS = {
  ONLINE: 'good', STALE: 'warn', LOST: 'bad', NEVER_SEEN: 'soft', REVOKED: 'bad',
  SUCCEEDED: 'good', SUCCEEDED_WITH_TAIL: 'good', RUNNING: 'busy', PLANNED: 'soft', QUEUED: 'soft',
  PAUSED: 'warn', ABORTING: 'bad', ROLLING_BACK: 'bad', ROLLED_BACK: 'bad',
  ROLLBACK_INCOMPLETE: 'bad', FAILED: 'bad', CANCELLED: 'soft', SUPERSEDED: 'soft',
  PASS: 'good', FAIL: 'bad', INCONCLUSIVE: 'warn', COMMITTED: 'good',
};

let token = sessionStorage.getItem('stillhouse-token') || '';

function node(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined && text !== null) made.textContent = String(text);
  if (className) made.className = className;
  return made;
}

function word(text) {
  return node('span', text, COLOURS[String(text).toUpperCase()] || '');
}

function table(columns, rows) {
  if (rows.length === 0) return node('p', 'none', 'soft');
  const made = node('table');
  const head = made.appendChild(node('thead')).appendChild(node('tr'));
  for (const column of columns) {
    head.appendChild(node('th', column.name, column.number ? 'number' : ''));
  }
  const body = made.appendChild(node('tbody'));
  for (const row of rows) {
    const line = body.appendChild(node('tr'));
    for (const column of columns) {
      const cell = line.appendChild(node('td', null, column.number ? 'number' : ''));
      const value = column.of(row);
      if (value instanceof Node) cell.appendChild(value);
      else cell.textContent = value === undefined || value === null ? '' : String(value);
    }
  }
  return made;
}

function show(id, ...parts) {
  document.getElementById(id).replaceChildren(...parts);
}

const percent = (share) => (share === undefined ? '' : (100 * share).toFixed(1) + ' %');
const micros = (value) => (value === undefined ? '' : (value / 1000).toFixed(2) + ' ms');
const short = (digest) => (digest ? digest.slice(0, 12) : '');

async function get(path) {
  const headers = token ? { Authorization: 'Bearer ' + token } : {};
  const answer = await fetch('/api/v1' + path, { headers, cache: 'no-store' });
  if (answer.status === 401) throw new NeedsToken();
  const body = await answer.json();
  if (!answer.ok) throw new Error(`${body.error.what}: ${body.error.why}`);
  return body;
}

class NeedsToken extends Error {}

async function variantsByDigest(models) {
  const found = new Map();
  for (const model of models) {
    for (const version of model.versions) {
      if (version.variants === 0) continue;
      const path = `/models/${encodeURIComponent(model.name)}/versions/${version.version}/variants`;
      for (const variant of (await get(path)).variants) {
        found.set(variant.digest, { ...variant, model: `${model.name}@${version.version}` });
      }
    }
  }
  return found;
}

function showDevices(devices, variants, health, telemetry) {
  const lost = new Map(telemetry.devices.map((d) => [d.device, d.lost]));
  const running = (d) => (d.reported ? variants.get(d.reported.running) : undefined);
  const live = (d) =>
    d.reported &&
    health.find((h) => h.digest === d.reported.running && h.hardwareClass === d.hardwareClass);
  show('devices', table([
    { name: 'Device', of: (d) => d.name },
    { name: 'Liveness', of: (d) => word(d.revoked ? 'REVOKED' : d.liveness) },
    { name: 'Class', of: (d) => d.hardwareClass },
    { name: 'Student', of: (d) => (running(d) ? `${running(d).model} ${running(d).network} ${running(d).precision}` : '') },
    { name: 'State', of: (d) => d.state },
    { name: 'Accuracy', number: true, of: (d) => (running(d) ? percent(running(d).evaluation.accuracy) : '') },
    { name: 'Live accuracy of class', number: true, of: (d) => (live(d) ? percent(live(d).accuracy) : '') },
    { name: 'Live p99 of class', number: true, of: (d) => (live(d) ? micros(live(d).latencyP99Micros) : '') },
    { name: 'Records lost', number: true, of: (d) => lost.get(d.id) ?? '' },
  ], devices));
}

function showRollouts(rollouts) {
  if (rollouts.length === 0) {
    show('rollouts', node('p', 'none', 'soft'));
    return;
  }
  show('rollouts', ...rollouts.slice(0, ROLLOUTS_SHOWN).map((r) => {
    const made = node('article');
    const title = made.appendChild(node('h3', `${r.model}@${r.version} `));
    title.append(word(r.status), node('span', ` ${r.id}`, 'soft'));
    if (r.waitingFor) made.appendChild(node('p', `Waiting for ${r.waitingFor}`));
    for (const reason of r.reasons) made.appendChild(node('p', reason, 'warn'));
    made.appendChild(table([
      { name: 'Wave', of: (w) => w.wave + 1 },
      { name: 'Assigned', number: true, of: (w) => w.assigned },
      { name: 'Reached', number: true, of: (w) => w.reached },
      { name: 'Attempted', number: true, of: (w) => w.attempted },
      { name: 'Succeeded', number: true, of: (w) => w.succeeded },
      { name: 'Failed', number: true, of: (w) => w.failed },
      { name: 'Verdict', of: (w) => word(w.verdict) },
    ], r.waves));
    const evidence = r.waves.flatMap((w) => w.gate.map((g) => ({ ...g, wave: w.wave })));
    if (evidence.length > 0) {
      made.appendChild(table([
        { name: 'Gate', of: (g) => `wave ${g.wave + 1} ${g.hardwareClass}` },
        { name: 'Verdict', of: (g) => word(g.verdict) },
        { name: 'Inferences', number: true, of: (g) => g.inferences },
        { name: 'Errors', number: true, of: (g) => g.errors },
        { name: 'Accuracy (before)', number: true, of: (g) => `${percent(g.accuracy)} (${percent(g.baselineAccuracy)})` },
        { name: 'p99 (before)', number: true, of: (g) => `${micros(g.latencyP99Micros)} (${micros(g.baselineLatencyP99Micros)})` },
        { name: 'Because', of: (g) => g.reason },
      ], evidence));
    }
    return made;
  }));
}

function showJobs(jobs) {
  show('jobs', table([
    { name: 'Job', of: (j) => j.id },
    { name: 'Kind', of: (j) => `${j.kind} ${j.model}@${j.version}` },
    { name: 'State', of: (j) => word(j.state) },
    {
      name: 'Progress',
      of: (j) => {
        const bar = node('progress');
        bar.max = 1;
        bar.value = j.progress;
        bar.setAttribute('aria-label', percent(j.progress));
        return bar;
      },
    },
    { name: 'Step', of: (j) => [j.step, j.message].filter(Boolean).join(': ') },
    { name: 'Attempts', number: true, of: (j) => j.attempts },
    { name: 'Error', of: (j) => node('span', j.error, 'bad') },
  ], jobs.slice(0, JOBS_SHOWN)));
}

function showTelemetry(t) {
  show('telemetry',
    node('p', `${t.sent} records sent, ${t.received} received, ${t.lost} lost, ` +
      `${t.dropped} dropped by devices, ${t.duplicates} repeated`, t.lost > 0 ? 'bad' : ''));
}

function showQuarantine(entries) {
  show('quarantine', table([
    { name: 'Artifact', of: (q) => node('code', short(q.digest)) },
    { name: 'Class', of: (q) => q.hardwareClass },
    { name: 'Rollout', of: (q) => q.rollout },
    { name: 'Because', of: (q) => q.reason },
    { name: 'Since', of: (q) => q.since },
  ], entries));
}

async function refresh() {
  const state = document.getElementById('state');
  const login = document.getElementById('login');
  try {
    const [devices, models, jobs, rollouts, telemetry, health, quarantine] = await Promise.all([
      get('/devices'), get('/models'), get('/jobs'), get('/rollouts'), get('/telemetry'),
      get('/fleet-health'), get('/quarantine'),
    ]);
    const variants = await variantsByDigest(models.models);
    showDevices(devices.devices, variants, health.health, telemetry);
    showRollouts(rollouts.rollouts);
    showJobs(jobs.jobs);
    showTelemetry(telemetry);
    showQuarantine(quarantine.quarantine);
    login.hidden = true;
    state.className = 'soft';
    state.textContent = 'live, ' + new Date().toLocaleTimeString();
  } catch (failure) {
    login.hidden = !(failure instanceof NeedsToken);
    state.className = 'bad';
    state.textContent = failure instanceof NeedsToken
      ? 'this coordinator wants its operator token'
      : `not live: ${failure.message}`;
  }
  setTimeout(refresh, POLL_MILLIS);
}

document.getElementById('login').addEventListener('submit', (event) => {
  event.preventDefault();
  token = document.getElementById('token').value;
  sessionStorage.setItem('stillhouse-token', token);
});

refresh();
