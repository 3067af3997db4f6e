// Shared by both panes: the list of conversations, the composer, the message log and a dialog.
import { useEffect, useId, useRef, useState } from "react";

const STARTS = ["marketing", "Campaigns"];

// The id of the conversation where a pane begins.
export const startOf = ({ conversations }) => conversations.find(({ name }) => STARTS.includes(name)).id;

// Returns a function that opens the link to a message on this page, if `parse` finds its conversation and id in the URL.
export function useMessageLinks(parse, select) {
  const [target, setTarget] = useState(null);
  useEffect(() => {
    const message = target && document.getElementById(target.message);
    message?.scrollIntoView({ block: "center" });
    message?.focus({ preventScroll: true });
  }, [target]);
  return (url) => {
    const found = parse(url);
    if (!found) return false;
    select(found.conversation);
    setTarget(found);
    return true;
  };
}

export function Conversations({ label, conversations, selected, select }) {
  return (
    <nav className="conversations" aria-label={label}>
      {conversations.map(({ id, label }) => (
        <button key={id} aria-current={id === selected ? "page" : undefined} onClick={() => select(id)}>
          {label}
        </button>
      ))}
    </nav>
  );
}

// `suggestions`: {text, hint, about}; those that begin with the typed text are listed above the input.
export function Composer({ label, placeholder, button, suggestions, type, children }) {
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    if (!text.trim() || busy) return;
    setBusy(true);
    if (await type(text.trim())) setText("");
    setBusy(false);
  };
  return (
    <form className="composer" onSubmit={submit}>
      {children}
      <div className="line">
        <Autocomplete label={label} placeholder={placeholder} suggestions={suggestions} text={text} setText={setText} />
        <button disabled={busy}>{button}</button>
      </div>
    </form>
  );
}

function Autocomplete({ label, placeholder, suggestions, text, setText }) {
  const [index, setIndex] = useState(0);
  const [closed, setClosed] = useState(false);
  const id = useId();
  const typed = text.toLowerCase();
  const matches = typed && !closed ? suggestions.filter(({ text }) => text.toLowerCase().startsWith(typed)) : [];
  // Enter sends a completely typed suggestion.
  const isComplete = matches.some(({ text }) => text.toLowerCase() === typed);
  const active = isComplete && index === 0 ? -1 : Math.min(index, matches.length - 1);
  const change = (next, close) => {
    setText(next);
    setIndex(0);
    setClosed(close);
  };
  const accept = ({ text, hint }) => change(`${text}${hint ? " " : ""}`, true);
  const onKeyDown = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!matches.length) return;
    if (step) setIndex((Math.max(active, 0) + step + matches.length) % matches.length);
    else if ((event.key === "Enter" || (event.key === "Tab" && !event.shiftKey)) && active >= 0) accept(matches[active]);
    else if (event.key === "Escape") setClosed(true);
    else return;
    event.preventDefault();
  };
  return (
    <div className="autocomplete">
      <input role="combobox" aria-label={label} placeholder={placeholder} value={text} autoComplete="off"
        aria-autocomplete="list" aria-expanded={matches.length > 0} aria-controls={matches.length ? id : undefined}
        aria-activedescendant={active >= 0 ? `${id}${active}` : undefined} onKeyDown={onKeyDown}
        onBlur={() => setClosed(true)} onChange={(event) => change(event.target.value, false)} />
      {matches.length > 0 && (
        <ul role="listbox" id={id} aria-label={label}>
          {matches.map((match, i) => (
            <li key={match.text} role="option" id={`${id}${i}`} aria-selected={i === active}
              onMouseDown={(event) => (event.preventDefault(), accept(match))}>
              <strong>{match.text}</strong> {match.hint} <small>{match.about}</small>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

export function Modal({ title, close, closeLabel, children }) {
  const dialog = useRef(null);
  useEffect(() => {
    dialog.current.showModal();
  }, []);
  return (
    <dialog ref={dialog} aria-label={title} onCancel={(event) => (event.preventDefault(), close())}>
      <header>
        <h2>{title}</h2>
        <button type="button" className="close" aria-label={closeLabel} onClick={close}>
          ×
        </button>
      </header>
      {children}
    </dialog>
  );
}

// Scrolls to the newest message.
export function Log({ label, count, children }) {
  const end = useRef(null);
  useEffect(() => {
    end.current.parentElement.scrollTop = end.current.offsetTop;
  }, [count]);
  return (
    <div className="log" role="log" aria-label={label} tabIndex={0}>
      {children}
      <div ref={end} />
    </div>
  );
}

// The hint in a conversation without messages. The button types `word`.
export function Empty({ t, text, word, type }) {
  return (
    <p className="empty">
      {text} <button onClick={() => type(word)}>{t("type").replace("{text}", word)}</button>
    </p>
  );
}

export function Author({ name, bot, labels }) {
  return (
    <p className="author">
      <span className={bot ? "avatar bot" : "avatar"} aria-hidden="true">
        {name.slice(0, 1)}
      </span>
      <strong>{name}</strong>
      {labels.filter(Boolean).map((label) => (
        <small key={label}>{label}</small>
      ))}
    </p>
  );
}

export function InThread({ t, leave }) {
  return (
    <p className="thread">
      {t("in_thread")} <button onClick={leave}>{t("close")}</button>
    </p>
  );
}
