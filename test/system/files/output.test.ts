import { createPrinter } from '../../../src/system/files/output.js';
import { Processes, REPOSITORY } from '../../support/processes.js';

const processes = new Processes();
afterAll(() => processes.close());

const failure = (code: string) => Object.assign(new Error(code), { code });

/** A pipe that answers each write with the next given result, and a fake clock. */
class Pipe {
  now = 0;
  pauses = 0;
  taken = '';
  readonly #answers: (number | Error)[];

  /** A number is the count of bytes accepted; the last answer repeats forever. */
  constructor(answers: readonly (number | Error)[]) {
    this.#answers = [...answers];
  }

  readonly write = (bytes: Uint8Array): Promise<number> => {
    const answer = this.#answers.length > 1 ? this.#answers.shift()! : this.#answers[0]!;
    if (answer instanceof Error) return Promise.reject(answer);
    const part = bytes.subarray(0, answer);
    this.taken += Buffer.from(part).toString('latin1');
    return Promise.resolve(part.length);
  };

  readonly calls = {
    write: this.write,
    now: () => this.now,
    pause: (milliseconds: number) => {
      this.now += milliseconds;
      this.pauses++;
      return Promise.resolve();
    },
  };
}

it('writes bytes unchanged', async () => {
  const pipe = new Pipe([2]);
  await createPrinter(pipe.calls)(new Uint8Array([0xff, 0, 0x80]));
  expect(pipe.taken).toBe('\xff\0\x80');
});

it('continues after a partial write', async () => {
  const pipe = new Pipe([3, 1, 100]);
  await createPrinter(pipe.calls)('é and more');
  expect(pipe.taken).toBe(Buffer.from('é and more').toString('latin1'));
  expect(pipe.pauses).toBe(0);
});

it('writes nothing for an empty text', async () => {
  await createPrinter(new Pipe([failure('EPIPE')]).calls)('');
});

it('waits for the reader of a full pipe', async () => {
  const pipe = new Pipe([failure('EAGAIN'), failure('EAGAIN'), 2, failure('EAGAIN'), 100]);
  await createPrinter(pipe.calls)('text');
  expect(pipe.taken).toBe('text');
  expect(pipe.pauses).toBe(3);
});

it('gives up on a reader that has not read for 30 s', async () => {
  const pipe = new Pipe([failure('EAGAIN')]);
  await expect(createPrinter(pipe.calls)('text')).rejects.toThrow('EAGAIN');
  expect(pipe.now).toBeGreaterThanOrEqual(30_000);
  expect(pipe.now).toBeLessThan(31_000);
});

it('waits for a slow reader while it reads', async () => {
  const slowly = Array.from({ length: 2_500 }, () => failure('EAGAIN'));
  const pipe = new Pipe([...slowly, 1, ...slowly, 1, ...slowly, 100]);
  await createPrinter(pipe.calls)('text');
  expect(pipe.taken).toBe('text');
  expect(pipe.now).toBeGreaterThan(60_000);
});

it.each(['EPIPE', 'ENOSPC', 'EIO'])('rejects with %s at once', async (code) => {
  const pipe = new Pipe([2, failure(code)]);
  await expect(createPrinter(pipe.calls)('text')).rejects.toMatchObject({ code });
  expect(pipe.pauses).toBe(0);
});

it('delivers everything to the reader of a real pipe', async () => {
  const script = `
    import { writeStandardOutput } from '${REPOSITORY}dist/src/system/files/output.js';
    process.stdout.write('');
    await writeStandardOutput('é'.repeat(1 << 20) + 'end');`;
  const { code, stdout } = await processes.run([
    process.execPath,
    '--input-type=module',
    '--eval',
    script,
  ]);
  expect(code).toBe(0);
  expect(stdout.length).toBe((1 << 20) + 3);
  expect(stdout.endsWith('éend')).toBe(true);
}, 60_000);
