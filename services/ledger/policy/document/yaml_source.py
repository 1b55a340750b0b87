"""YAML read into plain data that remembers, for every field, the line it stands on.

Numbers keep the digits that were written (89.5 is the text '89.5', never a float), dates stay text, and what makes a
file mean two things at once is refused: a key given twice, an alias, a second document.
"""

import yaml

TEXT_MAX = 1_000_000
DEPTH_MAX = 40

_TAG = "tag:yaml.org,2002:"


class YamlFault(Exception):
    """The text is not YAML that can be read one way only. `line` counts from 1."""

    def __init__(self, line: int | None, pointer: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.line = line
        self.pointer = pointer
        self.zh = zh
        self.en = en


class _Loader(yaml.SafeLoader):
    """Composes nodes only; aliases are refused before they can multiply."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """One node, never an alias."""
        if self.check_event(yaml.AliasEvent):
            event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
            line = event.start_mark.line + 1 if event.start_mark is not None else None
            raise YamlFault(
                line, "", "不支持 YAML 别名, 请写出完整内容", "aliases are not supported: write it out"
            )
        return super().compose_node(parent, index)


def read_yaml(text: str) -> tuple[object, dict[str, int]]:
    """The data, and the line of every field by its JSON pointer; YamlFault where it cannot be read."""
    if len(text) > TEXT_MAX:
        raise YamlFault(None, "", "文件过大", f"the file is larger than {TEXT_MAX} characters")
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or "not valid YAML"
        raise YamlFault(mark.line + 1 if mark else None, "", "不是有效的 YAML", problem) from None
    except (yaml.YAMLError, RecursionError):
        raise YamlFault(None, "", "不是有效的 YAML", "not valid YAML") from None
    finally:
        loader.dispose()
    lines: dict[str, int] = {}
    return (_plain(node, "", lines, 0) if node is not None else None), lines


def read_own_yaml(text: str) -> object:
    """The data of a text that came with this program and was read by `read_yaml` before it was released.

    The C parser composes it, several times faster, where PyYAML has one; it would follow an alias.
    """
    node = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return _plain(node, "", {}, 0) if node is not None else None


def _plain(node: yaml.Node, pointer: str, lines: dict[str, int], depth: int) -> object:
    lines.setdefault(pointer, node.start_mark.line + 1)
    if depth > DEPTH_MAX:
        raise YamlFault(node.start_mark.line + 1, pointer, "层次过深", "nested too deeply")
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, pointer, lines, depth)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, f"{pointer}/{i}", lines, depth + 1) for i, item in enumerate(node.value)]
    return _scalar(node)


def _mapping(node: yaml.MappingNode, pointer: str, lines: dict[str, int], depth: int) -> dict[str, object]:
    data: dict[str, object] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise YamlFault(line, pointer, "字段名应为文本", "a field name is text")
        key = str(key_node.value)
        child = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
        if key in data:
            raise YamlFault(line, child, "字段重复", "the field is given twice")
        lines[child] = line
        data[key] = _plain(value_node, child, lines, depth + 1)
    return data


def _scalar(node: yaml.Node) -> object:
    value = str(node.value)
    if node.tag == _TAG + "null":
        return None
    if node.tag == _TAG + "bool":
        return value.lower() in ("true", "yes", "on")
    if node.tag == _TAG + "int" and value.isascii() and value.lstrip("-").isdigit() and len(value) < 18:
        return int(value)
    return value
