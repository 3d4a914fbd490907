/** A virtual SIM supports one live tunnel: if two environments share one, each of them logs it. */
import { setTimeout as pause } from 'node:timers/promises';

import type { LambdaSandbox } from '../../support/lambda/main.js';
import { answerOf, LambdaLab, logged } from '../../support/foreign/lambda-lab.js';
import { describeWith, LAMBDA_SANDBOX } from '../../support/runner/requirements.js';

const lab = new LambdaLab();
afterAll(() => lab.close());
beforeAll(() => lab.start(), 120_000);
afterEach(() => lab.closeSandboxes());

/** The log of one sandbox; a conflict is certain after 30 s with one message a second. */
const MESSAGES = 60;
const BETWEEN = 500;

const named = (sandbox: LambdaSandbox) =>
  logged(sandbox, /^another tunnel is using this virtual SIM/).length > 0;

describeWith(LAMBDA_SANDBOX, 'two environments with one virtual SIM', () => {
  it('log the conflict, its meaning and what to do, and lose no message meanwhile', async () => {
    const sandboxes = [await lab.sandbox(), await lab.sandbox()];
    const accepted: string[] = [];
    const send = async (sandbox: LambdaSandbox, name: string) => {
      for (let count = 0; count < MESSAGES && !sandboxes.every(named); count++) {
        const message = `${name} ${count}`;
        const { response } = await sandbox.invoke(message);
        if (answerOf(response).statusCode === 201) accepted.push(message);
        await pause(BETWEEN);
      }
    };
    await Promise.all(sandboxes.map((sandbox, index) => send(sandbox, `sandbox ${index}`)));
    for (const sandbox of sandboxes) {
      const [line] = logged(sandbox, /^another tunnel is using this virtual SIM/);
      expect(line).toMatchObject({
        level: 'warn',
        why: expect.stringContaining('one tunnel at a time') as string,
      });
      const advice = logged(sandbox, /^several environments of this function seem/);
      expect(advice).toHaveLength(1);
      expect(JSON.stringify(advice)).toMatch(/concurrency to 1.*pool/);
    }
    const arrived = await lab.messages();
    expect(arrived).toEqual(expect.arrayContaining(accepted));
  }, 120_000);
});
