/** docs/reference/lambda-settings.md and docs/guides/lambda.md agree with the code of the extension. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { readSettings } from '../src/lambda/settings.js';
import type { UserError } from '../src/lib/errors/user-error.js';

const root = join(import.meta.dirname, '..');
const guide = readFileSync(join(root, 'docs/guides/lambda.md'), 'utf8');
const page = readFileSync(join(root, 'docs/reference/lambda-settings.md'), 'utf8');
const folder = join(root, 'src/lambda');
const sources = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(join(folder, file), 'utf8'));
const code = sources.join('\n');

/** The cells of the rows in a section's tables that begin with a variable. */
function rowsOf(section: string): Map<string, readonly string[]> {
  const [, text = ''] = page.split(`\n## ${section}\n`);
  const [own = ''] = text.split('\n## ');
  const lines = own.split('\n').filter((line) => line.startsWith('| `'));
  const rows = lines.map((line) => line.split('|').map((cell) => cell.trim()));
  return new Map(rows.map(([, name = '', ...cells]) => [name.replaceAll('`', ''), cells]));
}

/** All variables that the settings read, whatever the environment contains. */
function settingsRead(): Set<string> {
  const names = new Set<string>();
  readSettings(new Proxy({}, { get: (_, name) => void names.add(String(name)) }));
  return names;
}

function faultOf(name: string): UserError | undefined {
  return readSettings({ [name]: '?' }).fault;
}

const rows = rowsOf('Environment variables');

it('the page lists each variable that is read, and no other', () => {
  const elsewhere = [...code.matchAll(/\benv\.([A-Z][A-Z_]+)/g)].map(([, name]) => name);
  const read = new Set([...settingsRead(), ...elsewhere]);
  expect([...rows.keys()].sort()).toEqual([...read].sort());
});

it('no variable is named that does not exist', () => {
  const named = (guide + page).match(/\b(ARCTUN|AWS_LAMBDA|LAMBDA)_[A-Z_]+\b/g) ?? [];
  expect(named.length).toBeGreaterThan(rows.size);
  for (const name of named) expect([...rows.keys()]).toContain(name);
});

it('the defaults are those of the code', () => {
  const { settings } = readSettings({});
  const { port, wait, onFailure, target, browsers, logLevel, congestion } = settings;
  const defaults = {
    ARCTUN_CONFIG: '',
    ARCTUN_CONFIG_SECRET: '',
    ARCTUN_CONFIG_PARAMETER: '',
    ARCTUN_LAMBDA_PORT: `\`${port}\``,
    ARCTUN_LAMBDA_WAIT: `\`${wait / 1000}\``,
    ARCTUN_LAMBDA_ON_FAILURE: `\`${onFailure}\``,
    ARCTUN_FORWARD_TO: `\`${target.host}:${target.port}\``,
    ARCTUN_ALLOW_HOST: browsers.hosts.join(),
    ARCTUN_ALLOW_ORIGIN: browsers.origins.join(),
    ARCTUN_LOG_LEVEL: `\`${logLevel}\``,
    ARCTUN_CONGESTION: `\`${congestion}\``,
  };
  const told = [...rows].filter(([name]) => name.startsWith('ARCTUN_'));
  expect(Object.fromEntries(told.map(([name, [cell]]) => [name, cell]))).toEqual(defaults);
});

it('the choices and limits are those of the code', () => {
  const told = (name: string) => rows.get(name)?.at(1);
  for (const name of ['ARCTUN_LAMBDA_ON_FAILURE', 'ARCTUN_LOG_LEVEL', 'ARCTUN_CONGESTION']) {
    const [, choices = ''] = faultOf(name)!.why.split('expected one of ');
    const words = [...told(name)!.matchAll(/`(\w+)`/g)].map(([, word]) => word);
    expect(words).toEqual(choices.split(', '));
  }
  const [, least, most] = /from ([\d.]+) to ([\d.]+)/.exec(faultOf('ARCTUN_LAMBDA_WAIT')!.why)!;
  expect(told('ARCTUN_LAMBDA_WAIT')).toContain(`seconds, ${least} to ${most}:`);
});

it('the page lists the places of the configuration in the order in which they are read', () => {
  const [, text = ''] = page.split('\n## Where the configuration comes from\n');
  const told = [...text.matchAll(/^\d\. `([^`]+)`/gm)].map(([, place]) => place);
  const names = ['ARCTUN_CONFIG', 'ARCTUN_CONFIG_SECRET', 'ARCTUN_CONFIG_PARAMETER'];
  const { place } = readSettings({}).settings;
  expect(told).toEqual([...names, ...(place.kind === 'files' ? place.paths : [])]);
  // Each one overrides those after it.
  const kinds = names.map((_, index) => {
    const given = Object.fromEntries(names.slice(index).map((name) => [name, 'x']));
    return readSettings(given).settings.place.kind;
  });
  expect(kinds).toEqual(['value', 'secret', 'parameter']);
});

it('the page lists each error that the code reports to Lambda', () => {
  const errors = (text: string, quote: string) => {
    const found = text.matchAll(new RegExp(`${quote}(Extension\\.\\w+)${quote}`, 'g'));
    return [...new Set([...found].map(([, error]) => error))].sort();
  };
  expect(errors(page, '`')).toEqual(errors(code, "'"));
});

it('the function of the guide is that of the samples', () => {
  const sample = readFileSync(join(root, 'deploy/lambda/function/index.mjs'), 'utf8');
  const withoutComments = sample.replaceAll(/^ *\/[/*].*\n/gm, '');
  expect(guide).toContain(`\`\`\`js\n${withoutComments}\`\`\``);
});
