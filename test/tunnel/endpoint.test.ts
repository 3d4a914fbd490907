import { locateEndpoint } from '../../src/tunnel/endpoint.js';
import { TunnelError } from '../../src/tunnel/tunnel-error.js';
import { FakeClock } from '../support/fake-clock.js';
import { silentLog } from '../support/silent-log.js';

const HOST = { host: 'link.arc.example', port: 11010 };

function ports(answers: (string[] | Error)[]) {
  const clock = new FakeClock();
  const resolver = {
    asked: 0,
    resolve(): Promise<string[]> {
      const answer = answers[Math.min(this.asked++, answers.length - 1)]!;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
  return { clock, resolver, log: silentLog };
}

/** Lets promises settle between two steps of the clock. */
async function advance(clock: FakeClock, duration: number): Promise<void> {
  for (let passed = 0; passed < duration; passed += 500) {
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    clock.advance(500);
  }
}

it('takes the first address', async () => {
  const endpoint = await locateEndpoint(HOST, ports([['192.0.2.1', '2001:db8::1']]), 20_000);
  expect(endpoint).toEqual({ address: '192.0.2.1', port: 11010 });
});

it('asks again when the resolver fails, as it does at boot', async () => {
  const set = ports([new Error('EAI_AGAIN'), new Error('EAI_AGAIN'), ['192.0.2.1']]);
  const found = locateEndpoint(HOST, set, Infinity);
  await advance(set.clock, 5_000);
  expect(await found).toEqual({ address: '192.0.2.1', port: 11010 });
  expect(set.resolver.asked).toBe(3);
});

it('gives up at the deadline and says which host and why', async () => {
  const set = ports([new Error('getaddrinfo ENOTFOUND')]);
  const found = locateEndpoint(HOST, set, set.clock.now() + 5_000);
  const failure = expect(found).rejects.toThrow(TunnelError);
  const text = expect(found).rejects.toThrow(
    'cannot find the Arc server link.arc.example: getaddrinfo ENOTFOUND',
  );
  await advance(set.clock, 6_000);
  await failure;
  await text;
});

it('ends at once when it is aborted', async () => {
  const set = ports([new Error('EAI_AGAIN')]);
  const controller = new AbortController();
  const found = locateEndpoint(HOST, set, Infinity, controller.signal);
  const failure = expect(found).rejects.toThrow('stop');
  await advance(set.clock, 500);
  controller.abort(new Error('stop'));
  await failure;
});
