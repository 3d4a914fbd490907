import { BootstrapRescueError } from '../../../src/app/bootstrap/bootstrap-rescue.js';
import type { KryptonResult } from '../../../src/app/bootstrap/krypton-target.js';
import { printKryptonResult } from '../../../src/cli/output/krypton-result.js';
import { Secret } from '../../../src/lib/secrets/secret.js';

let written: string;
let printed: string;
let printError: Error | undefined;
beforeEach(() => {
  written = '';
  printed = '';
  printError = undefined;
});

function print(result: KryptonResult | Error, json = false): Promise<void> {
  const printer = () =>
    Promise.resolve((text: string | Uint8Array) => {
      if (printError !== undefined) return Promise.reject(printError);
      printed += text.toString();
      return Promise.resolve();
    });
  const bootstrap = () =>
    result instanceof Error ? Promise.reject(result) : Promise.resolve(result);
  return printKryptonResult(bootstrap, { printer }, json, {
    write: (text) => (written += text.toString()),
  });
}

it('prints the two lines of soratun', async () => {
  await print({ simId: '8942', path: '/home/arc.json', created: true });
  expect(written).toBe(
    'Virtual subscriber SIM ID: 8942\nCreated/updated configuration file: /home/arc.json\n',
  );
});

it('prints one line if the ID is unknown', async () => {
  await print({ simId: '', path: '/home/arc.json', created: true });
  expect(written).toBe('Created/updated configuration file: /home/arc.json\n');
});

it('prints JSON', async () => {
  const result = { simId: '', path: '/home/arc.json', created: false };
  await print(result, true);
  expect(written).toBe(`${JSON.stringify(result)}\n`);
});

it('prints a dumped configuration, and fails if that is impossible', async () => {
  await print({ arcJson: new Secret('{}\n') });
  expect({ written, printed }).toEqual({ written: '', printed: '{}\n' });
  printError = new Error('no space left');
  await expect(print({ arcJson: new Secret('{}\n') })).rejects.toMatchObject({
    kind: 'failed',
    why: 'no space left',
  });
});

it('prints a key that could not be stored, and fails anyway', async () => {
  const text = { what: 'w', why: 'y', next: [] };
  const error = new BootstrapRescueError('8942', text, { arcJson: new Secret('{}\n') });
  await expect(print(error)).rejects.toBe(error);
  expect(written).toBe('{}\n');
  const kept = new BootstrapRescueError('8942', text, { rescuePath: '/state/x' });
  await expect(print(kept)).rejects.toBe(kept);
  expect(written).toBe('{}\n');
});
