/**
 * Runs every fenced block of README and docs as its markers say (docs/explanation/page-blocks.md):
 * `npm test` those of the first pages, `npm run docs` and a release all of them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { type Block, type Step, stepsOf } from './blocks.js';
import { PageRun } from './run-page.js';
import { REPOSITORY } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { atLength, isLong } from '../support/runner/tier.js';

/** The number of blocks that are not run, which must not increase. */
const NOT_RUN = 15;

/** Blocks that another test runs: the language, and the test. */
const RUN_ELSEWHERE: Readonly<
  Record<string, { readonly language: string; readonly test: string }>
> = {
  'docs/guides/debian.md': { language: 'sh', test: 'test/e2e/debian-package.release.test.ts' },
  'docs/guides/library.md': { language: 'js', test: 'test/library-document.release.test.ts' },
};

const NEEDS = [
  ...(['root', 'linux', 'koffi', 'tun', 'unshare', 'ip', 'bash', 'curl', 'jq'] as const),
  ...atLength({
    short: [],
    long: [
      ...(['python3', 'zip', 'setcap', 'tshark', 'git'] as const),
      ...(['wireguard-go', 'wg', 'nc', 'ssh', 'sshd', 'mosquitto', 'mosquitto_pub'] as const),
      ...(['postgres', 'psql', 'python3-requests'] as const),
    ],
  }),
] as const;

const PAGES = [
  ...readdirSync(REPOSITORY).filter((name) => /^README.*\.md$/.test(name)),
  ...readdirSync(join(REPOSITORY, 'docs'), { recursive: true }).map(
    (name) => `docs/${String(name)}`,
  ),
]
  .filter((name) => name.endsWith('.md'))
  .sort();

/** This page has the blocks of README.md, which run and count only once. */
const TRANSLATION = 'README.ja.md';

/** What a new user reads first. */
const FIRST_PAGES = ['README.md', 'docs/getting-started.md'];

const STEPS = new Map<string, Step[]>(
  PAGES.map((page) => [page, stepsOf(readFileSync(join(REPOSITORY, page), 'utf8'))]),
);

function isBlock(step: Step): step is Block {
  return step.kind === 'block';
}

it('the number of blocks that are not run has not grown', () => {
  const all = [...STEPS].flatMap(([page, steps]) =>
    (page === TRANSLATION ? [] : steps)
      .filter(isBlock)
      .map((block) => ({ ...block, place: `${page}:${block.line}` })),
  );
  const notRun = all.filter((block) => block.notRun !== undefined);
  process.stdout.write(`${all.length - notRun.length} blocks run, ${notRun.length} not run\n`);
  for (const { place, notRun: reason } of notRun) process.stdout.write(`  ${place}: ${reason}\n`);
  expect(notRun.length).toBeLessThanOrEqual(NOT_RUN);
});

it('the translation of README has the same blocks', () => {
  const [blocks, translated] = ['README.md', TRANSLATION].map((page) =>
    STEPS.get(page)!.map((step) => ({ ...step, line: 0 })),
  );
  expect(translated).toEqual(blocks);
});

describeWith(NEEDS, 'the blocks of each page', () => {
  const chosen = [...STEPS].filter(([page]) =>
    isLong ? page !== TRANSLATION : FIRST_PAGES.includes(page),
  );
  const pages = chosen.map(([page, steps]) => [page, stepsToRun(page, steps)] as const);
  it.concurrent.each(pages.filter(([, steps]) => steps.length > 0))(
    '%s runs',
    async (_page, steps) => {
      const run = new PageRun(steps);
      try {
        await run.run(steps);
      } catch (error) {
        await run.close().catch(() => undefined);
        throw error;
      }
      await run.close();
    },
    300_000,
  );
});

function stepsToRun(page: string, steps: readonly Step[]): readonly Step[] {
  const elsewhere = RUN_ELSEWHERE[page]?.language;
  const own = steps.filter((step) => !isBlock(step) || step.language !== elsewhere);
  return own.some((step) => isBlock(step) && step.notRun === undefined) ? own : [];
}
