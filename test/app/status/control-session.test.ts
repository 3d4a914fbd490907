import {
  ControlSession,
  readStatusAnswer,
  STATUS_REQUEST,
} from '../../../src/app/status/control-session.js';
import { REPORT } from '../../support/fakes/status-report.js';

const UNKNOWN = '{"error":"unknown request"}\n';

function open(report = () => Promise.resolve(REPORT)): ControlSession {
  return new ControlSession({ status: async () => ({ status: await report() }) });
}

it('answers with a report on one line, which the other end reads', async () => {
  const answer = await open().handle('{"request":"status"}\n');
  expect(answer).toMatch(/^\{"status":\{[^\n]*\}\}\n$/);
  expect(readStatusAnswer(answer)).toEqual(JSON.parse(JSON.stringify(REPORT)));
});

it('sends exactly the request line', () => {
  expect(STATUS_REQUEST).toBe('{"request":"status"}\n');
});

it('explains why no report is available', async () => {
  const answer = await open(() => Promise.reject(new Error('it hangs'))).handle(STATUS_REQUEST);
  expect(answer).toBe('{"error":"it hangs"}\n');
  expect(() => readStatusAnswer(answer)).toThrow('it hangs');
});

it('accepts requests in pieces, and several at once', async () => {
  const session = open(() => Promise.reject(new Error('no')));
  await expect(session.handle('{"request":')).resolves.toBe('');
  await expect(session.handle('"status"}\n{}\n{"requ')).resolves.toBe(`{"error":"no"}\n${UNKNOWN}`);
  await expect(session.handle('est":"status"}\n')).resolves.toBe('{"error":"no"}\n');
});

it('answers at most 16 requests that arrive together, and then ends', async () => {
  const session = open();
  const line = '{"request":"status"}\n';
  const answers = (await session.handle(line.repeat(16))).split('\n');
  expect(answers).toHaveLength(16 + 1);
  expect(session.isOver).toBe(false);
  const more = (await session.handle(`${line.repeat(17)}{`)).split('\n');
  expect(more.slice(16)).toEqual(['{"error":"at most 16 requests may be sent at once"}', '']);
  expect(session.isOver).toBe(true);
});

it.each(['', 'hello', 'null', '1', '[]', '{"request":"stop"}', '{"request":null}', '{'])(
  'refuses %j',
  async (line) => {
    const session = open();
    await expect(session.handle(`${line}\n`)).resolves.toBe(UNKNOWN);
    expect(session.isOver).toBe(false);
  },
);

it('closes the connection if a request has no end', async () => {
  const session = open();
  await expect(session.handle('x'.repeat(4_096))).resolves.toBe('');
  expect(session.isOver).toBe(false);
  const answer = await session.handle('x');
  expect(answer).toBe('{"error":"a request must not exceed 4096 characters"}\n');
  expect(session.isOver).toBe(true);
  await expect(session.handle('')).resolves.toBe('');
});

it.each(['', 'null\n', '{"status":{}}\n', '{"status":null,"error":1}\n'])(
  'does not accept %j as an answer',
  (line) => {
    expect(() => readStatusAnswer(line)).toThrow(
      'the process is running another version of arctun',
    );
  },
);
