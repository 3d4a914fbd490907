/** ESLint rule: reports worn-out idioms in comments and strings of code, and in Markdown text. */
import { IDIOMS } from './idioms.js';

const PATTERNS = IDIOMS.map(({ pattern, instead }) => ({
  instead,
  // Each line of a block comment begins with a star.
  expression: new RegExp(
    `\\b${pattern.replaceAll(' ', String.raw`\s+(?:\*\s+)?`)}(?![\\w'])`,
    'gi',
  ),
}));

export const noIdiom = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: { idiom: '"{{found}}": {{instead}}.' },
  },
  create(context) {
    const { sourceCode } = context;
    const check = (text, node) => {
      for (const { expression, instead } of PATTERNS) {
        for (const [found] of text.matchAll(expression)) {
          const data = { found: found.replaceAll(/\s+(\*\s+)?/g, ' '), instead };
          context.report({ loc: node.loc ?? node.position, messageId: 'idiom', data });
        }
      }
    };
    return {
      Program() {
        for (const { value, loc } of joined(sourceCode.getAllComments())) check(value, { loc });
      },
      Literal(node) {
        if (typeof node.value === 'string') check(node.value, node);
      },
      TemplateElement(node) {
        check(node.value.cooked ?? '', node);
      },
      // Markdown. Code in it is not a text node.
      text(node) {
        check(node.value, node);
      },
    };
  },
};

/** Joins line comments on consecutive lines, so that an idiom across lines is found. */
function joined(comments) {
  const all = [];
  for (const { type, value, loc } of comments) {
    const last = all.at(-1);
    const continues = type === 'Line' && last?.type === type;
    if (continues && last.loc.end.line + 1 === loc.start.line) {
      all[all.length - 1] = {
        type,
        value: `${last.value}\n${value}`,
        loc: { start: last.loc.start, end: loc.end },
      };
    } else all.push({ type, value, loc });
  }
  return all;
}
