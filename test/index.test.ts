import { createTunnel } from '../src/index.js';
import { sampleWith } from './arc-config/sample.js';

const failureOf = (options: unknown) =>
  createTunnel(options as Parameters<typeof createTunnel>[0]).then(
    () => undefined,
    (error: unknown) => error,
  );

it('accepts the fields of arc.json as an object, and reports what is wrong with them', async () => {
  const config = JSON.parse(sampleWith({ mtu: 100 })) as object;
  expect(await failureOf({ config })).toMatchObject({
    name: 'ArcConfigError',
    kind: 'configuration',
    what: 'cannot use the inline configuration',
    why: 'line 1, mtu: found 100, expected 576 or more',
  });
});

it.each([undefined, {}, { config: 7 }, { config: null }, { config: '' }, { config: Buffer.of(1) }])(
  'says what to pass instead of %j',
  async (options) => {
    const failure = await failureOf(options);
    expect(failure).toMatchObject({ kind: 'usage' });
    expect((failure as { next: string[] }).next[0]).toMatch(/^Pass the path of arc\.json, /);
  },
);
