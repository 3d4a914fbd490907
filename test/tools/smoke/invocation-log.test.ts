import { readInvocation, spread } from '../../../tools/smoke/lambda/invocation-log.js';

const REPORT =
  'REPORT RequestId: 8f50\tDuration: 12.34 ms\tBilled Duration: 345 ms\tMemory Size: 256 MB\tMax Memory Used: 101 MB';
const READY =
  '{"level":"info","msg":"ready","listenMs":30,"registerMs":36,"handshakeMs":80.5,"readyMs":82,"simId":"8942"}';

it('reads the durations of an invocation in a new environment', () => {
  const log = `EXTENSION\tName: arctun\tState: Ready\n${READY}\nSTART RequestId: 8f50\nEND\n${REPORT}\tInit Duration: 321.09 ms\t\n`;
  expect(readInvocation(log)).toEqual({
    duration: 12.34,
    billed: 345,
    init: 321.09,
    memory: 101,
    ready: { listenMs: 30, registerMs: 36, handshakeMs: 80.5, readyMs: 82 },
  });
});

it('reads an invocation in an environment that was running, and a log without a report', () => {
  expect(readInvocation(`null\n{"msg":"other"}\n${REPORT}\n`)).toMatchObject({
    duration: 12.34,
    init: undefined,
    ready: {},
  });
  expect(readInvocation('')).toMatchObject({ duration: undefined, billed: undefined });
});

it.each([
  [[3, 1, 2], 'median 2 ms, from 1 to 3 ms (3 values)'],
  [[4, 1, 2, 3], 'median 2.5 ms, from 1 to 4 ms (4 values)'],
  [[undefined, 7], 'median 7 ms, from 7 to 7 ms (1 values)'],
  [[undefined], 'unknown'],
])('describes %j', (values, text) => {
  expect(spread(values, 'ms')).toBe(text);
});
