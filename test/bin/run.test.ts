import { ARCTUN, Processes } from '../support/processes.js';

const processes = new Processes();
afterAll(() => processes.close());

/** Runs `version` in a Node that says that it is another one. */
function runAs(version: string) {
  const script = `Object.defineProperty(process.versions, 'node', { value: '${version}' });`;
  const options = `--import=data:text/javascript,${encodeURIComponent(script)}`;
  return processes.run([process.execPath, ARCTUN, 'version'], { env: { NODE_OPTIONS: options } });
}

it.each(['18.20.8', '20.18.3'])('refuses Node %s with an explanation', async (version) => {
  const { code, stdout, stderr } = await runAs(version);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(
    new RegExp(
      `^Error: cannot run on Node ${version}: arctun needs Node 20\\.19 or later\n  Install`,
    ),
  );
});

it.each(['20.19.0', '22.0.0', '24.1.0'])('runs on Node %s', async (version) => {
  expect(await runAs(version)).toMatchObject({ code: 0, stderr: '' });
});
