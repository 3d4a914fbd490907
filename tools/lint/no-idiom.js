/** ESLint rule: reports worn-out idioms in comments and strings of code, and in Markdown text. */
import { idiomsIn } from './find-idioms.js';

/** An expression within a string. No pattern matches it as white space. */
const EXPRESSION = '\0';

export const noIdiom = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: { idiom: '"{{found}}": {{instead}}.' },
  },
  create(context) {
    const { sourceCode } = context;
    const check = (text, node) => checkPieces([{ text, node }]);
    /** Checks a text that consists of the texts of several nodes. */
    const checkPieces = (pieces) => {
      for (const { found, instead, index, end } of idiomsIn(
        pieces.map(({ text }) => text).join(''),
      )) {
        const start = placeOf(pieceAt(pieces, index)).start;
        const loc = { start, end: placeOf(pieceAt(pieces, end - 1)).end };
        context.report({ loc, messageId: 'idiom', data: { found, instead } });
      }
    };
    return {
      Program() {
        for (const { value, loc } of joined(sourceCode.getAllComments())) check(value, { loc });
      },
      Literal(node) {
        if (typeof node.value === 'string' && !isSum(node.parent)) check(node.value, node);
      },
      TemplateLiteral(node) {
        if (!isSum(node.parent)) checkPieces(piecesOf(node));
      },
      BinaryExpression(node) {
        if (isSum(node) && !isSum(node.parent)) checkPieces(piecesOf(node));
      },
      // Markdown. Of its code, only comments are prose.
      code(node) {
        const comments = node.value.matchAll(/(?:^|\s)(?:#|\/\/)\s(.*)$/gm);
        check([...comments].map(([, comment]) => comment).join('\n'), node);
      },
      text(node) {
        check(node.value, node);
      },
      html(node) {
        check(node.value, node);
      },
      image(node) {
        check(node.alt ?? '', node);
      },
    };
  },
};

function placeOf({ node }) {
  return node.loc ?? node.position;
}

function pieceAt(pieces, index) {
  let rest = index;
  return pieces.find(({ text }) => (rest -= text.length) < 0);
}

function isSum(node) {
  return node?.type === 'BinaryExpression' && node.operator === '+';
}

/** Returns the texts of a string, or of strings joined with `+`, each with its node. */
function piecesOf(node) {
  if (isSum(node)) return [...piecesOf(node.left), ...piecesOf(node.right)];
  if (node.type === 'Literal' && typeof node.value === 'string')
    return [{ text: node.value, node }];
  if (node.type !== 'TemplateLiteral') return [{ text: EXPRESSION, node }];
  return node.quasis.flatMap((quasi, index) => [
    ...(index > 0 ? [{ text: EXPRESSION, node: node.expressions[index - 1] }] : []),
    { text: quasi.value.cooked ?? EXPRESSION, node: quasi },
  ]);
}

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
