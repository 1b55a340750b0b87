"""What is refused about personal data that is gone, or that nobody has said what they need it for."""

from services.kit.errors import Problem


class PersonErasedError(Problem):
    """The person's name, number and contact were erased; what is left names nobody."""

    code = "person-erased"
    status = 410
    title_zh = "该人员的个人信息已删除"
    title_en = "The person's data was erased"
