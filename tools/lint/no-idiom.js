/** ESLint: no worn-out idiom in comments, strings and templates of code, and in the text of Markdown. */
import { IDIOMS } from './idioms.js';

const PATTERNS = IDIOMS.map(({ pattern, instead }) => ({
  instead,
  // A line of a block comment begins with a star.
  expression: new RegExp(
    `\\b${pattern.replaceAll(' ', String.raw`\s+(?:\*\s+)?`)}(?![\\w'])`,
    'gi',
  ),
}));

export const noIdiom = {
  meta: {
    type: 'suggestion',
    schema: [{ type: 'object', properties: { comments: { type: 'boolean' } } }],
    defaultOptions: [{ comments: true }],
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
        if (!context.options[0].comments) return;
        for (const comment of sourceCode.getAllComments()) check(comment.value, comment);
      },
      Literal(node) {
        if (typeof node.value === 'string') check(node.value, node);
      },
      TemplateElement(node) {
        check(node.value.cooked ?? '', node);
      },
      // Of Markdown; code is no text.
      text(node) {
        check(node.value, node);
      },
    };
  },
};
