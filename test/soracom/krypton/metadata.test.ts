import { readLineSimId } from '../../../src/soracom/krypton/metadata.js';
import { cut, json, RecordingServer, status, type Answer } from '../recording-server.js';

let server: RecordingServer;
beforeEach(async () => {
  server = await RecordingServer.start();
});
afterEach(() => server.close());

function read(answer: Answer, signal?: AbortSignal): Promise<string> {
  server.answers.set('GET /v1/subscriber', answer);
  return readLineSimId({ endpoint: server.url, userAgent: 'arctun/1' }, signal);
}

it('reads the ID of the SIM', async () => {
  expect(await read(json({ imsi: '440101234567890', simId: '8981100000000000001' }))).toBe(
    '8981100000000000001',
  );
  expect(server.requests[0]?.headers['user-agent']).toBe('arctun/1');
});

it.each<[string, Answer, RegExp]>([
  ['a refusal', json({ message: 'metadata is off' }, 403), /HTTP 403/],
  ['a redirect', status(302, '', { Location: '/' }), /HTTP 302/],
  ['a page', status(200, '<html>'), /does not contain a SIM ID/],
  ['no id', json({ imsi: '4401' }), /does not contain a SIM ID/],
  ['an empty id', json({ simId: '' }), /does not contain a SIM ID/],
  ['an id with control characters', json({ simId: '898\u001b[2J' }), /does not contain a SIM ID/],
  ['an id that is no text', json({ simId: 898 }), /does not contain a SIM ID/],
  ['an id without end', json({ simId: '8'.repeat(65) }), /does not contain a SIM ID/],
  ['a broken connection', cut, /./],
])('fails on %s', async (_, answer, reason) => {
  await expect(read(answer)).rejects.toThrow(reason);
});

it('ends when it is aborted', async () => {
  const controller = new AbortController();
  const reading = read(() => controller.abort(new Error('stopped')), controller.signal);
  await expect(reading).rejects.toThrow('stopped');
});
