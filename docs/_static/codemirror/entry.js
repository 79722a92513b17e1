// What the pages need of CodeMirror: one function that makes an editor for Python.
import { EditorState } from "@codemirror/state";
import { EditorView, highlightSpecialChars, keymap } from "@codemirror/view";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { pythonLanguage } from "@codemirror/lang-python";
import { classHighlighter } from "@lezer/highlight";

/** Edit `code` inside `parent`; `keys` come before the editor's own, `changed` is told the text. */
export function edit({ parent, code, attributes, keys, changed }) {
  return new EditorView({
    parent,
    state: EditorState.create({
      doc: code,
      extensions: [
        keymap.of([...keys, indentWithTab, ...historyKeymap, ...defaultKeymap]),
        history(),
        highlightSpecialChars(),
        indentOnInput(),
        bracketMatching(),
        indentUnit.of("    "),
        pythonLanguage,
        syntaxHighlighting(classHighlighter),
        EditorView.contentAttributes.of(attributes),
        EditorView.updateListener.of((update) => update.docChanged && changed(update.state.doc.toString())),
      ],
    }),
  });
}
