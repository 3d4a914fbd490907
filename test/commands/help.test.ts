/** Every command has an example, a description, and a page; the general help has the first steps. */
import { readdirSync, readFileSync } from 'node:fs';

import { ARCTUN, Processes } from '../support/processes.js';

interface ManifestCommand {
  readonly id: string;
  readonly description?: string;
  readonly examples?: readonly string[];
  readonly hiddenAliases: readonly string[];
  readonly flags: Readonly<Record<string, { description?: string }>>;
}

const root = new URL('../../', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('oclif.manifest.json', root), 'utf8')) as {
  commands: Record<string, ManifestCommand>;
};
const commands = Object.values(manifest.commands);

it('has the commands that docs/reference/commands describes', () => {
  const pages = readdirSync(new URL('docs/reference/commands', root));
  const described = pages.map((page) => page.replace(/\.md$/, ''));
  expect(commands.map(({ id }) => id.replaceAll(':', '-')).sort()).toEqual(described.sort());
});

it('has soratun’s short names', () => {
  const aliases = commands.flatMap(({ id, hiddenAliases }) =>
    hiddenAliases.map((alias) => [alias, id]),
  );
  expect(Object.fromEntries(aliases)).toEqual({ s: 'status', u: 'up', v: 'version' });
});

it.each(commands.map((command) => [command.id, command] as const))(
  '%s has a description',
  (_id, command) => {
    expect(command.description).toMatch(/\.$/);
    expect(command.examples?.length).toBeGreaterThan(0);
    expect(Object.keys(command.flags)).toEqual(expect.arrayContaining(['config', 'quiet']));
    for (const flag of Object.values(command.flags)) expect(flag.description).toBeTruthy();
  },
);

it('begins with the first steps, without a command too', async () => {
  const processes = new Processes();
  const [help, bare] = await Promise.all(
    [['--help'], []].map((words) => processes.run([process.execPath, ARCTUN, ...words])),
  );
  await processes.close();
  expect(bare).toEqual(help);
  expect(help!.stdout).toMatch(
    /EXAMPLES\n {2}\$ arctun bootstrap authkey .*\n {2}\$ arctun up .*\n {2}\$ arctun COMMAND --help .*\n\nTOPICS/,
  );
}, 60_000);

it('lists the flags of up in the order of use, not of the alphabet', async () => {
  const processes = new Processes();
  const { stdout } = await processes.run([process.execPath, ARCTUN, 'up', '--help']);
  await processes.close();
  expect(stdout).toMatch(/\nFLAGS\n {2}--json .*\n\nTUNNEL FLAGS\n {2}--mode=/);
  expect(stdout).toMatch(
    /--mtu=[^]*--capture=[^]*--cleanup\n[^]*\nLISTENER FLAGS\n +-a, --address/,
  );
  expect(stdout).toMatch(/--proxy-listen=[^]*--forward-listen=[^]*--allow-host=/);
}, 60_000);
