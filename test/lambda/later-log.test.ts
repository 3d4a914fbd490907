import { LaterLog } from '../../src/lambda/later-log.js';
import { RecordingLog } from '../support/fakes/recording-log.js';

const LEVELS = ['error', 'warn', 'info', 'debug', 'trace'] as const;

it('buffers entries until it is open, in order, and passes on later ones', () => {
  const [later, log] = [new LaterLog(), new RecordingLog()];
  for (const level of LEVELS) later[level]({ level }, `early ${level}`);
  expect(log.lines).toEqual([]);
  later.open(log);
  for (const level of LEVELS) later[level]({ level }, `late ${level}`);
  expect(log.lines).toEqual(
    ['early', 'late'].flatMap((when) =>
      LEVELS.map((level) => ({ level, fields: { level }, message: `${when} ${level}` })),
    ),
  );
});

it('writes the buffered entries once, whichever log is opened later', () => {
  const [later, first, second] = [new LaterLog(), new RecordingLog(), new RecordingLog()];
  later.info({}, 'ready');
  later.open(first);
  later.open(second);
  later.info({}, 'more');
  expect(first.messages('info')).toEqual(['ready']);
  expect(second.messages('info')).toEqual(['more']);
});
