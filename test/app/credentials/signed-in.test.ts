import { signedIn } from '../../../src/app/credentials/signed-in.js';
import { apiError } from '../fake-soracom.js';
import { simTestPorts, type SimTestPorts } from '../sim-ports.js';

let ports: SimTestPorts;
beforeEach(() => {
  ports = simTestPorts();
});

it('is signed in while the work runs', async () => {
  const profile = {} as never;
  const result = await signedIn(profile, ports, undefined, async (api) => {
    await api.terminateSim('1');
    return 'done';
  });
  expect(result).toBe('done');
  expect(ports.api.calls).toEqual(['auth', 'terminateSim 1', 'logout']);
  expect(ports.profiles).toEqual([profile]);
  expect(ports.steps).toEqual(['Signing in']);
});

it('signs out if the work fails, and reports only that failure', async () => {
  const failure = new Error('work');
  ports.api.failures.set('logout', apiError(500));
  await expect(signedIn(undefined, ports, undefined, () => Promise.reject(failure))).rejects.toBe(
    failure,
  );
  expect(ports.api.calls).toEqual(['auth', 'logout']);
});

it('signs in when its turn comes, and frees its turn afterwards', async () => {
  const turns: string[] = [];
  const inTurn = async <Result>(work: () => Promise<Result>) => {
    turns.push(`begin after ${ports.api.calls.length} calls`);
    const result = await work();
    turns.push(`end after ${ports.api.calls.length} calls`);
    return result;
  };
  await signedIn(undefined, { ...ports, inTurn }, undefined, (api) => api.terminateSim('1'));
  expect(turns).toEqual(['begin after 0 calls', 'end after 3 calls']);
});
