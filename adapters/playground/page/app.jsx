// The page: Slack on the left, Teams on the right. The server holds the state; the page shows it and sends actions.
import { useCallback, useEffect, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import { SlackPane } from "./slack.jsx";
import { TeamsPane } from "./teams.jsx";
import { Traffic } from "./traffic.jsx";
import "slack-blocks-to-jsx/dist/style.css";
import "./app.css";

function usePersisted(name, initial) {
  const [value, set] = useState(() => localStorage.getItem(name) ?? initial);
  return [value, (next) => (localStorage.setItem(name, next), set(next))];
}

function App({ texts }) {
  const [who, setWho] = usePersisted("who", "lea");
  const [theme, setTheme] = usePersisted("theme", matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const [pane, setPane] = usePersisted("pane", "slack");
  const [state, setState] = useState(null);
  const [notice, setNotice] = useState("");
  const [showTraffic, setShowTraffic] = useState(false);
  const version = useRef(0);
  const selectedWho = useRef(who);
  selectedWho.current = who;

  const load = useCallback(async () => {
    const next = await (await fetch(`/api/state?as=${who}`)).json();
    // A slow response may arrive after a newer one, or after another person was selected.
    if (next.version < version.current || selectedWho.current !== who) return;
    version.current = next.version;
    setState(next);
  }, [who]);

  useEffect(() => {
    const stream = new EventSource("/api/stream");
    stream.addEventListener("open", () => {
      version.current = 0; // a restarted server counts from 0
      load();
    });
    stream.addEventListener("changed", load);
    return () => stream.close();
  }, [load]);

  const send = useCallback(
    async (platform, action, args = {}) => {
      const body = JSON.stringify({ as: who, platform, do: action, ...args });
      const response = await fetch("/api/do", { method: "POST", headers: { "Content-Type": "application/json" }, body });
      const result = await response.json();
      setNotice(result.ok ? (result.notice ?? "") : result.error);
      await load();
      return result.ok;
    },
    [who, load],
  );

  const me = state?.people.find((person) => person.key === who);
  const language = me?.locale.slice(0, 2) ?? "fr";
  useEffect(() => {
    document.documentElement.lang = language;
    document.documentElement.dataset.theme = theme;
  }, [language, theme]);
  if (!state) return null;
  const t = (id) => texts[language][`playground.${id}`];
  const shared = { t, who, me, theme, language };
  return (
    <>
      <header>
        <h1>CM Advisor</h1>
        <label>
          {t("who")}{" "}
          <select value={who} onChange={(event) => setWho(event.target.value)}>
            {state.people.map((person) => (
              <option key={person.key} value={person.key}>
                {person.name}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t("language")}{" "}
          <select value={me.locale} onChange={(event) => send("page", "locale", { locale: event.target.value })}>
            <option value="fr-FR">Français</option>
            <option value="en-GB">English</option>
          </select>
        </label>
        <button onClick={() => setTheme(theme === "dark" ? "light" : "dark")}>{t(theme === "dark" ? "light" : "dark")}</button>
        <button aria-pressed={showTraffic} onClick={() => setShowTraffic(!showTraffic)}>
          {t("wire")}
        </button>
        <button onClick={() => confirm(t("reset.sure")) && send("page", "reset")}>{t("reset")}</button>
      </header>
      <nav className="tabs" aria-label={t("platforms")}>
        {["slack", "teams"].map((platform) => (
          <button key={platform} aria-pressed={pane === platform} onClick={() => setPane(platform)}>
            {platform === "slack" ? "Slack" : "Teams"}
          </button>
        ))}
      </nav>
      <p className="notice" role="status">
        {notice && (
          <span>
            {notice} <button onClick={() => setNotice("")}>{t("close")}</button>
          </span>
        )}
      </p>
      <main className={`on-${pane}`}>
        <SlackPane key={`s-${who}`} {...shared} state={state.slack} send={(action, args) => send("slack", action, args)} />
        <TeamsPane key={`t-${who}`} {...shared} state={state.teams} send={(action, args) => send("teams", action, args)} />
      </main>
      {showTraffic && <Traffic t={t} version={state.version} close={() => setShowTraffic(false)} />}
    </>
  );
}

const texts = await (await fetch("/api/texts")).json();
createRoot(document.getElementById("root")).render(<App texts={texts} />);
